//! The machine of a capture: kernel, CPUs, HZ, zones with their
//! watermarks; and how much of it is free before the tasks come.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::constraint::{self, zones_in_reach};
use super::keys::leading_number;
use super::log_lines::{Said, said};
use super::oom_facts::{PAGES_MAX, ZoneSeen};
use super::sacrificed::may_sacrifice;
use super::story::Story;
use super::to_scenario::{Note, NoteKind, PRESET_PAGES, TaskMade};
use crate::base::sort;
use crate::kernel::switches::PROFILES;

/// HZ that a scenario may have.
const HZ: [i64; 4] = [100, 250, 300, 1000];
/// Most pages of a zone of a scenario.
const ZONE_PAGES_MAX: u64 = 1 << 32;
/// The newest profile whose reaper is told at once.
const BEFORE_DELAY: &str = "5.12";
/// The newest profile that kills children in their parents' place.
const BEFORE_NO_SACRIFICE: &str = "4.19";
/// `OOM_REAPER_DELAY` (mm/oom_kill.c, 5.18 on) is 2 s; clocks of whole seconds lose less than this.
const REAPER_DELAY_US: i64 = 1_900_000;
/// How far the pause between attempts may be from what HZ says, in µs.
const HZ_SLACK_US: i64 = 300;

/// What a capture shows of its machine.
#[derive(Debug)]
pub(super) struct MachineSeen {
    /// Profile id.
    pub(super) kernel: &'static str,
    pub(super) release: Option<String>,
    pub(super) cpus: u32,
    pub(super) hz: i64,
    /// By name, with the free pages of the first kill.
    pub(super) zones: Vec<ZoneSeen>,
    pub(super) swap: u64,
    /// Whether refusals of list notifiers are in the log.
    pub(super) refusals_logged: bool,
    notes: Vec<Note>,
}

/// Reads it off.
pub(super) fn machine_seen(capture: &Capture<'_>, story: &Story) -> MachineSeen {
    let mut notes = Vec::new();
    let mut note = |kind, text: String| notes.push(Note { kind, text });
    let release = capture.facts.release.clone();
    let mut kernel = release.as_deref().and_then(profile);
    match (&release, kernel) {
        (Some(release), Some(kernel)) => {
            note(NoteKind::Inferred, format!("kernel {release}: profile {kernel}"));
        }
        _ if may_sacrifice(capture) => {
            kernel = Some(BEFORE_NO_SACRIFICE);
            let why = "its reports speak of sacrificing a child";
            note(NoteKind::Inferred, format!("kernel {BEFORE_NO_SACRIFICE} or older: {why}"));
        }
        _ if reaped_at_once(capture, story) => {
            kernel = Some(BEFORE_DELAY);
            let why = "the reaper comes sooner than it does from 5.18 on";
            note(NoteKind::Inferred, format!("kernel {BEFORE_DELAY} or older: {why}"));
        }
        _ => note(NoteKind::Assumed, "kernel 6.1: the capture doesn't say".to_owned()),
    }
    let cpus = capture.cpus.map(|cpus| cpus.clamp(1, 64));
    let assumed_cpus = capture.cpus_named.unwrap_or(2).clamp(2, 64);
    if let Some(cpus) = cpus {
        note(NoteKind::Inferred, format!("{cpus} CPU{}", if cpus == 1 { "" } else { "s" }));
    } else {
        let is_named = capture.cpus_named.is_some_and(|cpus| cpus > 1);
        let why = if is_named { ": the highest that is named" } else { "" };
        note(NoteKind::Assumed, format!("{assumed_cpus} CPUs{why}"));
    }
    let fitting = fitting_hz(story);
    let hz = match fitting.as_slice() {
        [hz] => {
            note(NoteKind::Inferred, format!("HZ = {hz}, from the pauses of the reaper"));
            *hz
        }
        [] => {
            note(NoteKind::Assumed, "HZ = 250".to_owned());
            250
        }
        several => {
            let hz = if several.contains(&250) { 250 } else { several[0] };
            let others = several.iter().filter(|other| **other != hz);
            let others: Vec<String> = others.map(ToString::to_string).collect();
            let others = others.join(" and ");
            let text = format!("HZ = {hz}: the pauses of the reaper fit {others}, too");
            note(NoteKind::Assumed, text);
            hz
        }
    };
    let reports = capture.facts.reports.iter();
    if let Some(kb) = reports.clone().find_map(|report| report.page_kb).filter(|kb| *kb != 4) {
        let text = format!("pages of {kb} KiB, which are modelled as {} pages of 4 KiB", kb / 4);
        notes.push(Note { kind: NoteKind::Inferred, text });
    }
    let mut zones = zones(capture, &mut notes);
    notes.extend(capture.facts.reports.iter().find_map(constraint::told));
    sort::by_key(&mut zones, |zone| zone_rank(&zone.name));
    let report = reports.into_iter().find(|report| !report.zones.is_empty());
    MachineSeen {
        kernel: kernel.unwrap_or("6.1"),
        release,
        cpus: cpus.unwrap_or(assumed_cpus),
        hz,
        zones,
        swap: report.map_or(0, |report| report.swap),
        refusals_logged: story.refusals_logged > 0,
        notes,
    }
}

/// Whether the reaper came before the two seconds were over that it is kept waiting from 5.18 on.
fn reaped_at_once(capture: &Capture<'_>, story: &Story) -> bool {
    let is_soon = |killed_us: i64, at_us: i64| (0..REAPER_DELAY_US).contains(&(at_us - killed_us));
    let traced = story.victims.iter().any(|victim| {
        victim.attempts.first().is_some_and(|first| is_soon(victim.killed_us, first.start_us))
    });
    let logged = || {
        // A log without times is counted in microseconds from its first line on.
        let kills = capture.facts.kills.iter().filter(|kill| kill.at_us > 1_000_000);
        let kills: BTreeSet<(u32, i64)> = kills.map(|kill| (kill.pid, kill.at_us)).collect();
        capture.log.iter().any(|line| match said(line.text) {
            Some(Said::Reaped { pid, .. }) => {
                let last = kills.range(..=(pid, line.time_us)).next_back();
                last.is_some_and(|(of, at_us)| *of == pid && is_soon(*at_us, line.time_us))
            }
            _ => false,
        })
    };
    traced || logged()
}

/// The profile of a release: the newest that is not newer.
pub(super) fn profile(release: &str) -> Option<&'static str> {
    let version = |text: &str| {
        let (major, rest) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, leading_number(rest)?))
    };
    let wanted = version(release)?;
    let not_newer = |id: &&str| version(id).is_some_and(|version| version <= wanted);
    let ids = PROFILES.iter().map(|profile| profile.id);
    ids.clone().rfind(not_newer).or(ids.into_iter().next())
}

/// What the pauses between attempts fit: an attempt begins with a jiffy; the reaper sleeps for HZ/10
/// of them and the one begun, after those that the attempt took.
fn fitting_hz(story: &Story) -> Vec<i64> {
    let mut pauses = Vec::new();
    for victim in &story.victims {
        for pair in victim.attempts.windows(2) {
            let lasted = pair[0].finish_us.unwrap_or(pair[0].start_us) - pair[0].start_us;
            pauses.push((lasted.clamp(0, 10_000_000), pair[1].start_us - pair[0].start_us));
        }
    }
    let fits = |hz: i64| {
        let as_told = |&&(lasted, pause): &&(i64, i64)| {
            let jiffies = hz / 10 + 1 + lasted * hz / 1_000_000;
            (pause - jiffies * 1_000_000 / hz).abs() <= HZ_SLACK_US
        };
        pauses.iter().filter(as_told).count()
    };
    let most = HZ.into_iter().map(fits).max().unwrap_or(0);
    if pauses.len() < 3 || most * 3 < pauses.len() * 2 {
        return Vec::new();
    }
    HZ.into_iter().filter(|hz| fits(*hz) == most).collect()
}

fn zone_rank(name: &str) -> usize {
    ["DMA", "DMA32", "Normal"].iter().position(|known| *known == name).unwrap_or(3)
}

/// Zones of the first report, or what the retries of reclaim print.
fn zones(capture: &Capture<'_>, notes: &mut Vec<Note>) -> Vec<ZoneSeen> {
    let report = capture.facts.reports.iter().find(|report| !report.zones.is_empty());
    let mut zones = report.map_or(Vec::new(), |report| of_all_nodes(&zones_in_reach(report)));
    if !zones.is_empty() {
        let text = "zones, watermarks and reserves, from the first report".to_owned();
        notes.push(Note { kind: NoteKind::Inferred, text });
        for zone in &mut zones {
            // Contiguous blocks, a node or CMA: whatever it was, the request had no use for it.
            let most = zone.high.saturating_add(zone.reserve);
            if zone.free > most {
                let mib = (zone.free - zone.min) / 256;
                let text = format!("{mib} MiB that were free in {} count as in use", zone.name);
                notes.push(Note { kind: NoteKind::Assumed, text });
                zone.free = zone.min;
            }
        }
        return without_user_zones(zones, notes);
    }
    // Several zones may be told of; the highest is the one that counts.
    let retries = capture.trace.iter().filter(|line| line.plain_name() == "reclaim_retry_zone");
    for line in retries {
        let Some(name) = line.field("zone").filter(|name| zone_rank(name) < 3) else { continue };
        let number = |key| {
            let number = line.number(key).and_then(|number| u64::try_from(number).ok());
            number.map(|number| number.min(PAGES_MAX))
        };
        let (Some(available), Some(reclaimable), Some(min)) =
            (number("available"), number("reclaimable"), number("min_wmark"))
        else {
            continue;
        };
        let free = available.saturating_sub(reclaimable);
        match zones.last_mut() {
            Some(zone) if zone.name == name => {
                // A boost raises it for a while.
                zone.min = zone.min.min(min);
                zone.free = zone.free.min(free);
            }
            Some(zone) if zone_rank(&zone.name) > zone_rank(name) => {}
            _ => zones = vec![ZoneSeen { name: name.to_owned(), free, min, ..ZoneSeen::default() }],
        }
    }
    for zone in &mut zones {
        (zone.low, zone.high) = (zone.min + zone.min / 4, zone.min + zone.min / 2);
    }
    if !zones.is_empty() {
        let text =
            "the watermark min, from reclaim_retry_zone; low and high as the kernel makes them";
        notes.push(Note { kind: NoteKind::Inferred, text: text.to_owned() });
    }
    zones
}

/// One zone of each name: nodes are not modelled.
fn of_all_nodes(seen: &[ZoneSeen]) -> Vec<ZoneSeen> {
    let mut zones: Vec<ZoneSeen> = Vec::new();
    for zone in seen {
        match zones.iter_mut().find(|same| same.name == zone.name) {
            Some(same) => {
                same.add(zone);
                same.reserve = same.reserve.max(zone.reserve);
            }
            None => zones.push(zone.clone()),
        }
    }
    zones
}

/// `HighMem` and `Movable` hold user memory alone, as most of the highest zone of the others does: they
/// are added to that.
fn without_user_zones(mut zones: Vec<ZoneSeen>, notes: &mut Vec<Note>) -> Vec<ZoneSeen> {
    let devices = zones.extract_if(.., |zone| zone.name == "Device").count();
    if devices > 0 {
        notes.push(Note { kind: NoteKind::Ignored, text: "zone Device".to_owned() });
    }
    let users = zones.extract_if(.., |zone| zone_rank(&zone.name) == 3);
    let users: Vec<ZoneSeen> = users.filter(|zone| zone.managed > 0).collect();
    for user in users {
        let highest = zones.iter_mut().max_by_key(|zone| zone_rank(&zone.name));
        let name = if let Some(highest) = highest {
            highest.add(&user);
            highest.reserve = 0;
            highest.name.clone()
        } else {
            let name = "Normal".to_owned();
            zones.push(ZoneSeen { name: name.clone(), reserve: 0, ..user.clone() });
            name
        };
        let text = format!("zone {} is part of {name}", user.name);
        notes.push(Note { kind: NoteKind::Assumed, text });
    }
    zones
}

/// Page tables of a process with so many pages: one for each 2 MiB and each GiB, and those that a program's
/// own few areas need.
fn page_tables(pages: u64) -> u64 {
    pages.div_ceil(512) + pages.div_ceil(512 * 512) + 10
}

impl ZoneSeen {
    /// Adds another zone's pages and watermarks; each keeps a reserve of its own.
    fn add(&mut self, other: &Self) {
        self.free = self.free.saturating_add(other.free);
        self.min = self.min.saturating_add(other.min);
        self.low = self.low.saturating_add(other.low);
        self.high = self.high.saturating_add(other.high);
        self.managed = self.managed.saturating_add(other.managed);
    }
}

impl MachineSeen {
    /// Makes room: what tasks have at the first kill was free before.
    pub(super) fn fit(&mut self, tasks: &[TaskMade], has_limit: bool, notes: &mut Vec<Note>) {
        let preset = |task: &TaskMade| if task.has_preset() { PRESET_PAGES } else { 0 };
        let own = |task: &TaskMade| {
            let pages = task.pages.max(preset(task));
            pages.saturating_add(page_tables(pages))
        };
        // Who comes later finds the memory of those before.
        let tasks = || tasks.iter().filter(|task| !task.is_later);
        let used: u64 = tasks().map(own).fold(0, u64::saturating_add);
        let wanted = tasks().map(|task| task.want).fold(0, u64::saturating_add);
        notes.splice(0..0, self.notes.drain(..));
        if self.zones.is_empty() || has_limit {
            // As many again: a control group runs out long before the machine.
            let room = if has_limit { wanted.saturating_mul(2).max(65_536) } else { used };
            let min = (room.saturating_mul(64).isqrt() / 4).clamp(32, 65_536);
            self.zones = vec![ZoneSeen {
                name: "Normal".to_owned(),
                node: None,
                free: min,
                min,
                low: min + min / 4,
                high: min + min / 2,
                managed: room + room / 4 + 4 * min,
                reserve: 0,
            }];
            let text = "one zone, as large as it must be".to_owned();
            notes.push(Note { kind: NoteKind::Assumed, text });
            self.fill(room);
        } else {
            for zone in &mut self.zones {
                // Who may go below the watermark had done so; before that it held.
                zone.free = zone.free.max(zone.min);
            }
            self.fill(used);
        }
    }

    /// Adds so many free pages to the zones that can be used, and to the last one what is left.
    fn fill(&mut self, pages: u64) {
        let known: u64 = self.zones.iter().map(|zone| zone.managed).sum();
        let mut left = pages;
        let count = self.zones.len();
        for (index, zone) in self.zones.iter_mut().enumerate() {
            let is_last = index + 1 == count;
            // A small zone's free pages are kept from everybody by its reserve.
            if zone.managed <= zone.min + zone.reserve && !is_last {
                zone.managed = zone.managed.max(1);
                zone.free = zone.free.min(zone.managed);
                continue;
            }
            let part = u128::from(pages) * u128::from(zone.managed) / u128::from(known.max(1));
            let part = u64::try_from(part).unwrap_or(u64::MAX);
            let room = zone.managed.saturating_sub(zone.free);
            let taken = if is_last { left } else { part.min(room).min(left) };
            zone.free += taken;
            left -= taken;
            if zone.managed == 0 {
                // Nothing tells its size: a fifth of it is in use.
                zone.managed = zone.free + zone.free / 4;
            }
            zone.managed = zone.managed.max(zone.free).clamp(1, ZONE_PAGES_MAX);
            zone.free = zone.free.min(zone.managed);
        }
    }
}
