//! Which wording a kernel version uses, where versions differ
//! (kernel-spec 2.5 and 3.6; otherwise Linux 6.1).

/// A version such as `6.1`, compared as a pair.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) struct Era(u32, u32);

impl Era {
    /// Of a profile's id; one that is no version counts as 6.1.
    pub(super) fn of(kernel: &str) -> Self {
        let parsed = kernel
            .split_once('.')
            .and_then(|(major, minor)| Some(Self(major.parse().ok()?, minor.parse().ok()?)));
        parsed.unwrap_or(Self(6, 1))
    }

    /// `mark_victim` gives the sizes besides the pid: 6.9, and in 6.1.192
    /// and 6.12 as a backport.
    pub(super) fn marks_with_sizes(self) -> bool {
        self >= Self(6, 1)
    }

    /// `Killed process` begins with what killed it: 5.3.
    pub(super) fn kill_has_prefix(self) -> bool {
        self >= Self(5, 3)
    }

    /// `Killed process` ends with uid, page tables and score: 5.4.
    pub(super) fn kill_has_score(self) -> bool {
        self >= Self(5, 4)
    }

    /// 5.4 printed page tables in bytes under the unit kB; fixed by 5.6.
    pub(super) fn pgtables_in_bytes(self) -> bool {
        self.kill_has_score() && self < Self(5, 6)
    }

    /// The line `oom-kill:constraint=…` before it: 5.0.
    pub(super) fn kill_has_constraint(self) -> bool {
        self >= Self(5, 0)
    }

    /// A refused callback is logged: 4.19.
    pub(super) fn logs_refusals(self) -> bool {
        self >= Self(4, 19)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_numbers() {
        assert!(Era::of("5.12") > Era::of("5.6"));
        assert!(!Era::of("5.12").marks_with_sizes() && Era::of("6.12").marks_with_sizes());
        assert!(Era::of("5.4").pgtables_in_bytes() && !Era::of("5.3").pgtables_in_bytes());
        assert_eq!(Era::of("mainline"), Era::of("6.1"));
    }
}
