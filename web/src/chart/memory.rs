//! The series of the memory chart, pure: what every page is used for.

use sim_core::analysis::{Memory, Pressure};
use sim_core::base::{MmId, sort};

use super::series::{Point, Series, combined};
use crate::timeline::palette::{AMBER, BLUE, GRAY, GREEN, ORANGE, PURPLE, Rgb, SKY, VERMILION};
use crate::words::t;

/// Something that memory is used for.
pub struct Use {
    /// In the legend, and its swatch's class.
    pub name: String,
    pub id: &'static str,
    pub color: Rgb,
    pub series: Series,
}

/// Looks of processes.
const PROCESS_LOOKS: [(&str, Rgb); 5] =
    [("p0", BLUE), ("p1", ORANGE), ("p2", SKY), ("p3", VERMILION), ("p4", AMBER)];

/// Everything that the chart shows.
pub struct Uses {
    /// From the bottom up; together at most what is managed. The first is
    /// what is free.
    pub stack: Vec<Use>,
    /// The same, with what processes have present by process.
    pub by_process: Vec<Use>,
    /// What lies in swap; drawn over the stack.
    pub swap: Use,
    /// Pressure from each instant on.
    pub pressure: Vec<(u64, Pressure)>,
}

impl Uses {
    /// `owner` names the process of an address space.
    pub fn new(memory: &Memory, owner: impl Fn(MmId) -> String) -> Self {
        let present: Vec<&[Point]> =
            memory.present.iter().map(|(_, points)| points.as_slice()).collect();
        let named = |name: &str, id, color, points: Vec<Point>| Use {
            name: name.to_owned(),
            id,
            color,
            series: Series::new(points),
        };
        let clean = || combined(&[&memory.cache], &[&memory.dirty]);
        let stack = vec![
            named(t!("free"), "free", GREEN, memory.free.clone()),
            named(t!("kernel"), "kernel", GRAY, memory.kernel.clone()),
            named(t!("dirty"), "dirty", VERMILION, memory.dirty.clone()),
            named(t!("page cache"), "cache", AMBER, clean()),
            named(t!("file"), "file", ORANGE, memory.file.clone()),
            named(t!("anon"), "anon", BLUE, combined(&present, &[&memory.file])),
            named(t!("pinned by devices"), "pinned", PURPLE, memory.pinned.clone()),
        ];
        // The biggest apart, the others together.
        let peak = |points: &[Point]| points.iter().map(|point| point.1).max().unwrap_or(0);
        let mut biggest: Vec<usize> = (0..present.len()).collect();
        sort::by_key(&mut biggest, |index| std::cmp::Reverse(peak(present[*index])));
        let rest = biggest.split_off(biggest.len().min(PROCESS_LOOKS.len()));
        let mut by_process = vec![
            named(t!("free"), "free", GREEN, memory.free.clone()),
            named(
                t!("kernel and cache"),
                "kernel",
                GRAY,
                combined(&[&memory.kernel, &memory.cache], &[]),
            ),
        ];
        for (index, (id, color)) in biggest.into_iter().zip(PROCESS_LOOKS) {
            let (mm, points) = &memory.present[index];
            by_process.push(named(&owner(*mm), id, color, points.clone()));
        }
        if !rest.is_empty() {
            let rest: Vec<&[Point]> = rest.into_iter().map(|index| present[index]).collect();
            by_process.push(named(t!("others"), "others", GRAY, combined(&rest, &[])));
        }
        by_process.push(named(t!("pinned by devices"), "pinned", PURPLE, memory.pinned.clone()));
        let pressure = memory.pressure.iter().map(|(at, pressure)| (at.0, *pressure)).collect();
        let swap = named(t!("swap"), "swap", SKY, memory.swap.clone());
        Self { stack, by_process, swap, pressure }
    }

    /// Pressure at an instant, in words.
    pub fn pressure_at(&self, at: u64) -> &'static str {
        let after = self.pressure.partition_point(|point| point.0 <= at);
        match after.checked_sub(1).map(|last| self.pressure[last].1) {
            Some(Pressure::Some) => t!("some"),
            Some(Pressure::Full) => t!("full"),
            Some(Pressure::None) | None => t!("none"),
        }
    }

    /// Stretches of `buckets` parts of the window with the highest pressure in each, joined
    /// where they are alike; calm ones are left out.
    pub fn pressure_bands(
        &self,
        (start, span): (u64, u64),
        buckets: u64,
    ) -> Vec<(u64, u64, Pressure)> {
        let rank = |pressure: Pressure| match pressure {
            Pressure::None => 0,
            Pressure::Some => 1,
            Pressure::Full => 2,
        };
        let edge = |n: u64| start + (u128::from(span) * u128::from(n) / u128::from(buckets)) as u64;
        let mut bands: Vec<(u64, u64, Pressure)> = Vec::new();
        for bucket in 0..buckets {
            let (from, to) = (edge(bucket), edge(bucket + 1));
            let first = self.pressure.partition_point(|point| point.0 <= from).saturating_sub(1);
            let here = self.pressure[first.min(self.pressure.len())..]
                .iter()
                .take_while(|point| point.0 < to)
                .map(|point| point.1);
            let Some(high) = here.max_by_key(|pressure| rank(*pressure)) else {
                continue;
            };
            match bands.last_mut() {
                _ if high == Pressure::None => {}
                Some(last) if last.1 == from && last.2 == high => last.1 = to,
                _ => bands.push((from, to, high)),
            }
        }
        bands
    }
}

#[cfg(test)]
mod tests {
    use sim_core::base::SimTime;

    use super::*;

    fn at(pairs: &[(u64, u64)]) -> Vec<Point> {
        pairs.iter().map(|(at, value)| (SimTime(*at), *value)).collect()
    }

    #[test]
    fn uses_add_up_to_what_is_managed() {
        let memory = Memory {
            managed: 100,
            free: at(&[(0, 60), (10, 20)]),
            present: vec![(MmId(0), at(&[(0, 20), (10, 60)])), (MmId(1), at(&[(0, 5)]))],
            file: at(&[(0, 5)]),
            cache: at(&[(0, 15)]),
            dirty: at(&[(0, 5)]),
            ..Memory::default()
        };
        let uses = Uses::new(&memory, |mm| format!("task {}", mm.0));
        for now in [0, 10] {
            let sum: u64 = uses.stack.iter().map(|it| it.series.value_at(now)).sum();
            assert_eq!(sum, 100);
            let sum: u64 = uses.by_process.iter().map(|it| it.series.value_at(now)).sum();
            assert_eq!(sum, 100);
        }
        assert_eq!(uses.by_process[2].name, "task 0", "the biggest first");
        let anon = uses.stack.iter().find(|it| it.id == "anon").unwrap();
        assert_eq!((anon.series.value_at(0), anon.series.value_at(10)), (20, 60));
    }

    #[test]
    fn short_pressure_survives_zooming_out() {
        let points = [(0, Pressure::None), (500, Pressure::Full), (501, Pressure::None)];
        let pressure = points.map(|(at, pressure)| (SimTime(at), pressure)).to_vec();
        let uses = Uses::new(&Memory { pressure, ..Memory::default() }, |_| String::new());
        assert_eq!(uses.pressure_bands((0, 1_000), 10), [(500, 600, Pressure::Full)]);
        assert_eq!((uses.pressure_at(500), uses.pressure_at(501)), ("full", "none"));
    }
}
