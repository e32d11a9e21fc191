//! Pressure on memory as `/proc/pressure/memory` prints it
//! (kernel/sched/psi.c: `psi_show()`, Linux 6.1).

use crate::analysis::{PressureAverages, pressure_at};
use crate::base::SimTime;
use crate::record::Run;

/// Bits after the point of an average (`FSHIFT`).
const FIXED_SHIFT: u32 = 11;

/// What a reader of `/proc/pressure/memory` sees at `at`: averages as of
/// their last update, every two seconds, and totals of that moment.
pub fn pressure(run: &Run, at: SimTime) -> String {
    show(&pressure_at(run, at))
}

fn show(pressure: &PressureAverages) -> String {
    let PressureAverages { some, full, some_ns, full_ns, .. } = *pressure;
    format!("{}\n{}\n", line("some", some, some_ns), line("full", full, full_ns))
}

fn line(name: &str, averages: [u64; 3], total_ns: u64) -> String {
    let [short, middle, long] = averages.map(percent);
    format!("{name} avg10={short} avg60={middle} avg300={long} total={}", total_ns / 1000)
}

/// `LOAD_INT.LOAD_FRAC`.
fn percent(average: u64) -> String {
    let fraction = (average & ((1 << FIXED_SHIFT) - 1)) * 100;
    format!("{}.{:02}", average >> FIXED_SHIFT, fraction >> FIXED_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_have_two_decimals() {
        let point = PressureAverages {
            at: SimTime(2_000_000_000),
            some: [37_100, 6700, 2048],
            full: [0, 1, 100 << 11],
            some_ns: 2_000_000_999,
            full_ns: 1_999,
        };
        let zero = "avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(show(&PressureAverages::default()), format!("some {zero}full {zero}"));
        assert_eq!(
            show(&point),
            "some avg10=18.11 avg60=3.27 avg300=1.00 total=2000000\n\
             full avg10=0.00 avg60=0.00 avg300=100.00 total=1\n"
        );
    }
}
