//! Which nodes a request could be served from: of a machine with several, one may run out of memory while
//! others have enough (`CONSTRAINT_CPUSET`, `CONSTRAINT_MEMORY_POLICY`, mm/oom_kill.c:
//! `constrained_alloc()`). Nodes are not modelled, so those that count are the machine.

use std::collections::BTreeSet;

use super::oom_facts::{OomReport, ZoneSeen};
use super::to_scenario::{Note, NoteKind};

/// Nodes that are read, and bytes of a list of them; a longer one is damage.
const NODES_MAX: u32 = 1024;
const LIST_MAX: usize = 8192;

/// What a report says of the nodes of its request.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    /// `CPUSET`, `MEMORY_POLICY`.
    kind: Option<String>,
    /// `nodemask=`, of a memory policy.
    mask: Option<String>,
    /// `mems_allowed=`, of the cpuset.
    allowed: Option<String>,
}

impl Nodes {
    /// Takes note of a line that has any of it, and tells whether it is the one about cpusets.
    pub(super) fn line(&mut self, text: &str) -> bool {
        let mask = list_after(text, "nodemask=");
        self.mask = mask.map(str::to_owned).or(self.mask.take());
        let allowed = list_after(text, "mems_allowed=");
        self.allowed = allowed.map(str::to_owned).or(self.allowed.take());
        if let Some((_, kind)) = text.split_once("constraint=CONSTRAINT_") {
            let kind = kind.split(',').next().unwrap_or_default();
            self.kind = Some(kind.to_owned()).filter(|kind| kind != "NONE" && kind != "MEMCG");
        }
        text.contains(" cpuset=") && allowed.is_some()
    }

    /// The list that bound the request. Before 5.0 no constraint is printed, but a policy's nodes are.
    fn bound(&self) -> Option<&str> {
        match self.kind.as_deref() {
            Some("CPUSET") => self.allowed.as_deref(),
            _ => self.mask.as_deref(),
        }
    }
}

/// `0-1,4` after a key; `(null)` is none.
fn list_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(key)?;
    let is_part = |c: char| c.is_ascii_digit() || c == '-' || c == ',';
    let list = rest.split(|c| !is_part(c)).next()?.trim_end_matches(',');
    Some(list).filter(|list| !list.is_empty() && list.len() < LIST_MAX)
}

/// The nodes of a list.
fn nodes(list: &str) -> BTreeSet<u32> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|node| *node < NODES_MAX);
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(number(from)?..=number(to)?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// The zones of the nodes that the request could have memory of.
pub(super) fn zones_in_reach(report: &OomReport) -> Vec<ZoneSeen> {
    let all = report.zones.clone();
    let Some(list) = report.nodes.bound() else { return all };
    let bound = nodes(list);
    let is_in = |zone: &&ZoneSeen| zone.node.is_none_or(|node| bound.contains(&node));
    let zones: Vec<ZoneSeen> = all.iter().filter(is_in).cloned().collect();
    if zones.is_empty() { all } else { zones }
}

/// What that means, if there are other nodes.
pub(super) fn told(report: &OomReport) -> Option<Note> {
    let list = report.nodes.bound()?;
    let bound = nodes(list);
    let is_out = |zone: &ZoneSeen| zone.node.is_some_and(|node| !bound.contains(&node));
    // A list of all nodes binds nobody; some kernels print it.
    if report.nodes.kind.is_none() && !report.zones.iter().any(is_out) && bound.contains(&0) {
        return None;
    }
    let (which, are) = if list.contains(['-', ',']) { ("nodes", "are") } else { ("node", "is") };
    let what = match report.nodes.kind.as_deref() {
        Some("CPUSET") => "cpuset",
        Some(_) => "memory policy",
        None => "cpuset or memory policy",
    };
    let invoker = match report.invoker.as_str() {
        "" => "whoever asked",
        invoker => invoker,
    };
    let text = format!(
        "{which} {list} {are} the whole machine, and all memory of the tasks is there: {invoker}'s {what} \
         allows no other"
    );
    Some(Note { kind: NoteKind::Assumed, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_to_their_ends() {
        let mut nodes = Nodes::default();
        assert!(!nodes.line("a invoked oom-killer: gfp_mask=0xd0, nodemask=(null),  order=0"));
        assert_eq!(nodes.bound(), None);
        assert!(nodes.line("a cpuset=/ mems_allowed=0-3"));
        assert_eq!(nodes.bound(), None, "whoever has a cpuset is not bound by it");
        nodes.line("oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=a,mems_allowed=0,2-3,task=b");
        assert_eq!(nodes.bound(), Some("0,2-3"));
        assert!(super::nodes("0,2-3").into_iter().eq([0, 2, 3]));
        nodes.line("oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1,cpuset=/,mems_allowed=0-1,task=b");
        assert_eq!(nodes.bound(), Some("1"));
        for none in ["1-", "5-2", "0-99999999", "1024"] {
            assert!(super::nodes(none).is_empty(), "{none}");
        }
    }
}
