//! The keyboard: physical keys to commands, pure.
//!
//! Letters go by position (`code`), so that W/A/S/D stay a cross on every
//! layout; signs go by what they print. Single keys act wherever the focus
//! is, but for those that what has it takes for itself.

use crate::timeline::hit::Step;
use crate::timeline::rows::Toward;
use crate::words::mark;

/// Where the focus is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Focus {
    /// On the page itself, in the timeline, or on something that takes no keys: all act.
    Timeline,
    /// On a button or link: it keeps Space, which presses it.
    Button,
    /// On what scrolls by key: it keeps Space, arrows, Home and End.
    Scroller,
    /// In a field or on a list of choices, which take letters, or in a dialog: none acts.
    Field,
}

/// The user's choice of keys.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Keys {
    pub preset: Preset,
    /// Whether letters and signs act without Ctrl or Alt (WCAG 2.1.4).
    pub single: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self { preset: Preset::Zoom, single: true }
    }
}

/// What W, A, S and D do.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Preset {
    /// W and S zoom, as in Perfetto and Trace Compass.
    Zoom,
    /// W and S move among lanes, Q and E zoom, as in Firefox Profiler and speedscope.
    Move,
}

impl Keys {
    /// As it is stored.
    pub fn id(self) -> &'static str {
        match (self.preset, self.single) {
            (Preset::Zoom, true) => "zoom",
            (Preset::Zoom, false) => "zoom-off",
            (Preset::Move, true) => "move",
            (Preset::Move, false) => "move-off",
        }
    }

    pub fn from_id(id: &str) -> Self {
        let preset = if id.starts_with("move") { Preset::Move } else { Preset::Zoom };
        Self { preset, single: !id.ends_with("-off") }
    }
}

/// A key press.
#[derive(Copy, Clone, Debug)]
pub struct Press<'a> {
    /// Position: `KeyW`.
    pub code: &'a str,
    /// What it prints: `+`.
    pub key: &'a str,
    pub shift: bool,
    /// Ctrl or Cmd.
    pub control: bool,
    pub alt: bool,
}

/// What a key asks for.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Command {
    ZoomIn,
    ZoomOut,
    WholeRun,
    FitSelection,
    PanLeft,
    PanRight,
    TogglePlay,
    /// One event of the selected lane.
    StepInLane(Step),
    /// One event of the run.
    StepEvent(Step),
    /// The selection grows to the lane's next event.
    ExtendSelection(Step),
    /// The next incident.
    Incident(Step),
    /// To the lane of whom the selected one waits for.
    FollowCause,
    /// Back to the lane before the last of these steps.
    GoBack,
    /// The lane above or below.
    Lane(Toward),
    /// The selected lane moves up or down in its group.
    ShiftLane(Toward),
    /// Puts the selected lane on top, or back.
    PinLane,
    HideLane,
    /// Lanes that were hidden show again; all else stays.
    ShowHiddenLanes,
    /// Every lane in its own place again.
    ShowAllLanes,
    GoToStart,
    GoToEnd,
    Search,
    /// To the list of policies to compare with.
    Compare,
    Help,
    Palette,
    /// The lessons, or the timeline alone.
    Learn,
    /// A step of the open lesson, or a lesson of the list, from 1.
    Tab(usize),
    /// Opens the editor, or closes it.
    Edit,
    /// Opens the sweep over seeds, or closes it.
    Sweep,
    /// What happened in the run, in a few sentences.
    Story,
    /// Another way for the run to go on from the cursor.
    Fork,
    Undo,
    Redo,
    /// Draws the wait-for graph, or puts it away.
    Graph,
    /// Whether playing stops where a cycle closes.
    StopAtCycles,
    /// Selects what the lane does at the cursor.
    RangeFromSpan,
    /// The range begins at the cursor.
    BeginRange,
    /// It ends there.
    EndRange,
    /// A note at the cursor.
    Note,
    /// A note on the selected range.
    NoteRange,
    RemoveNote,
    Clear,
}

/// The command of a key press, if it is one.
pub fn command(press: Press<'_>, focus: Focus, keys: Keys) -> Option<Command> {
    // Not for fields: they undo for themselves.
    let everywhere = match (press.code, press.control, press.shift) {
        ("F1", false, false) | ("KeyP", true, true) => Some(Command::Palette),
        _ => None,
    };
    if everywhere.is_some() && !press.alt {
        return everywhere;
    }
    let keeps = match focus {
        Focus::Timeline => false,
        Focus::Button => press.code == "Space",
        Focus::Scroller => {
            let scrolls = press.code == "Space" || matches!(press.code, "Home" | "End");
            (scrolls || press.code.starts_with("Arrow")) && !(press.alt || press.control)
        }
        Focus::Field => true,
    };
    if keeps {
        return None;
    }
    if press.alt {
        // Many layouts print brackets with AltGr (Ctrl and Alt at once on Windows) or Option.
        let bracket = keys.single.then(|| by_bracket(press.key)).flatten();
        return bracket.or(match (press.code, press.control || press.shift) {
            ("ArrowUp", false) => Some(Command::ShiftLane(Toward::Top)),
            ("ArrowDown", false) => Some(Command::ShiftLane(Toward::Bottom)),
            _ => None,
        });
    }
    if press.control {
        return match press.code {
            "ArrowLeft" => Some(Command::StepEvent(Step::Back)),
            "ArrowRight" => Some(Command::StepEvent(Step::Forward)),
            "KeyZ" if press.shift => Some(Command::Redo),
            "KeyZ" => Some(Command::Undo),
            _ => None,
        };
    }
    if !keys.single && press.key.chars().count() == 1 && press.key != " " {
        return None;
    }
    let by_sign = match press.key {
        "+" | "=" => Some(Command::ZoomIn),
        "-" | "_" => Some(Command::ZoomOut),
        "0" => Some(Command::WholeRun),
        "?" => Some(Command::Help),
        "/" => Some(Command::Search),
        "." => Some(Command::Incident(Step::Forward)),
        "," => Some(Command::Incident(Step::Back)),
        "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => {
            press.key.parse().ok().map(Command::Tab)
        }
        sign => by_bracket(sign),
    };
    by_sign.or_else(|| by_preset(press, keys.preset)).or_else(|| by_position(press))
}

fn by_bracket(sign: &str) -> Option<Command> {
    match sign {
        "]" => Some(Command::FollowCause),
        "[" => Some(Command::GoBack),
        _ => None,
    }
}

impl Command {
    /// Whether there is something for it to act on inside another page, where only the timeline is.
    pub fn acts_in_embed(self) -> bool {
        !matches!(
            self,
            Self::Search
                | Self::Compare
                | Self::Help
                | Self::Palette
                | Self::Learn
                | Self::Tab(_)
                | Self::Edit
                | Self::Sweep
                | Self::Story
                | Self::Fork
                | Self::Graph
                | Self::Note
                | Self::NoteRange
                | Self::RemoveNote
        )
    }
}

/// Keys of a list as they are with this preset.
pub fn told(keys: &'static str, preset: Preset) -> &'static str {
    match (preset, keys) {
        (Preset::Zoom, _) => keys,
        (_, "W S  + −") => "Q E  + −",
        (_, "W") => "Q",
        (_, "S") => "E",
        (_, "↑ ↓") => "W S  ↑ ↓",
        (_, other) => other,
    }
}

/// Keys that differ from the usual ones.
fn by_preset(press: Press<'_>, preset: Preset) -> Option<Command> {
    if press.shift || preset == Preset::Zoom {
        return None;
    }
    Some(match press.code {
        "KeyQ" => Command::ZoomIn,
        "KeyE" => Command::ZoomOut,
        "KeyW" => Command::Lane(Toward::Top),
        "KeyS" => Command::Lane(Toward::Bottom),
        _ => return None,
    })
}

fn by_position(press: Press<'_>) -> Option<Command> {
    if press.shift {
        return match press.code {
            "ArrowLeft" => Some(Command::ExtendSelection(Step::Back)),
            "ArrowRight" => Some(Command::ExtendSelection(Step::Forward)),
            "KeyH" => Some(Command::ShowAllLanes),
            "KeyM" => Some(Command::NoteRange),
            _ => None,
        };
    }
    Some(match press.code {
        "KeyW" => Command::ZoomIn,
        "KeyS" => Command::ZoomOut,
        "KeyA" => Command::PanLeft,
        "KeyD" => Command::PanRight,
        "KeyF" => Command::FitSelection,
        "KeyR" => Command::RangeFromSpan,
        "KeyM" => Command::Note,
        "Delete" => Command::RemoveNote,
        "KeyL" => Command::Learn,
        "KeyP" => Command::PinLane,
        "KeyH" => Command::HideLane,
        "KeyG" => Command::Graph,
        "KeyB" => Command::Fork,
        "KeyC" => Command::Compare,
        "Space" => Command::TogglePlay,
        "ArrowLeft" => Command::StepInLane(Step::Back),
        "ArrowRight" => Command::StepInLane(Step::Forward),
        "ArrowUp" => Command::Lane(Toward::Top),
        "ArrowDown" => Command::Lane(Toward::Bottom),
        "Home" => Command::GoToStart,
        "End" => Command::GoToEnd,
        "Escape" => Command::Clear,
        _ => return None,
    })
}

/// What the help lists: keys, and what they do.
pub const HELP: &[(&str, &str)] = &[
    ("Space", mark!("play or pause")),
    ("← →", mark!("previous or next event of the lane")),
    ("Ctrl ← →", mark!("previous or next event of the run")),
    (", .", mark!("previous or next incident")),
    ("↑ ↓", mark!("lane above or below")),
    ("P", mark!("pin the lane on top, or let it go")),
    ("H", mark!("hide the lane")),
    ("Shift H", mark!("show all lanes, each in its place")),
    ("Alt ↑ ↓", mark!("move the lane up or down")),
    ("] [", mark!("follow whom it waits for, or who acted on it last; go back")),
    ("G", mark!("wait-for graph beside the chain, or not")),
    ("Home End", mark!("start or end of the run")),
    ("W S  + −", mark!("zoom in or out")),
    ("A D", mark!("pan left or right")),
    ("0", mark!("whole run")),
    ("Shift ← →", mark!("extend the selected range")),
    ("F", mark!("zoom to the selected range")),
    ("R", mark!("select what the lane does at the cursor")),
    ("M", mark!("note at the cursor")),
    ("Shift M", mark!("note on the selected range")),
    ("B", mark!("fork the run at the cursor")),
    ("C", mark!("choose a policy to compare with")),
    ("Delete", mark!("remove the note at the cursor")),
    ("Ctrl Z", mark!("undo zoom, range, rows, notes or forks; with Shift: redo")),
    ("Ctrl Shift P", mark!("all commands; also F1")),
    ("/", mark!("filter the events; Enter and Shift Enter: next and previous")),
    ("L", mark!("lessons")),
    ("1 … 9", mark!("step of the open lesson, or lesson of the list")),
    ("Esc", mark!("clear the selected range")),
    ("?", mark!("this list")),
];

/// Commands that can be called by name: command, name, keys.
pub const NAMED: &[(Command, &str, &str)] = &[
    (Command::TogglePlay, mark!("Play or pause"), "Space"),
    (Command::Incident(Step::Forward), mark!("Next incident"), "."),
    (Command::Incident(Step::Back), mark!("Previous incident"), ","),
    (Command::StepEvent(Step::Forward), mark!("Next event of the run"), "Ctrl →"),
    (Command::StepEvent(Step::Back), mark!("Previous event of the run"), "Ctrl ←"),
    (Command::StepInLane(Step::Forward), mark!("Next event of the lane"), "→"),
    (Command::StepInLane(Step::Back), mark!("Previous event of the lane"), "←"),
    (Command::GoToStart, mark!("Start of the run"), "Home"),
    (Command::GoToEnd, mark!("End of the run"), "End"),
    (Command::FollowCause, mark!("Follow the cause"), "]"),
    (Command::GoBack, mark!("Go back from the cause"), "["),
    (Command::Graph, mark!("Wait-for graph: draw it, or put it away"), "G"),
    (Command::StopAtCycles, mark!("Stop where a cycle of waits closes, or play on"), ""),
    (Command::WholeRun, mark!("Show the whole run"), "0"),
    (Command::ZoomIn, mark!("Zoom in"), "W"),
    (Command::ZoomOut, mark!("Zoom out"), "S"),
    (Command::PanLeft, mark!("Pan left"), "A"),
    (Command::PanRight, mark!("Pan right"), "D"),
    (Command::RangeFromSpan, mark!("Select what the lane does now"), "R"),
    (Command::BeginRange, mark!("Begin the range at the cursor"), ""),
    (Command::EndRange, mark!("End the range at the cursor"), ""),
    (Command::FitSelection, mark!("Zoom to the range"), "F"),
    (Command::Clear, mark!("Clear the range"), "Esc"),
    (Command::Note, mark!("Add a note at the cursor"), "M"),
    (Command::NoteRange, mark!("Add a note on the range"), "Shift M"),
    (Command::Edit, mark!("Edit the scenario, or close the editor"), ""),
    (Command::Story, mark!("What happened: the run in a few sentences"), ""),
    (Command::Fork, mark!("Fork the run at the cursor"), "B"),
    (Command::Sweep, mark!("Sweep over seeds: how often, and a review; or close it"), ""),
    (Command::RemoveNote, mark!("Remove the note at the cursor"), "Delete"),
    (Command::PinLane, mark!("Pin the lane, or let it go"), "P"),
    (Command::HideLane, mark!("Hide the lane"), "H"),
    (Command::ShowHiddenLanes, mark!("Show hidden lanes"), ""),
    (Command::ShowAllLanes, mark!("Show all lanes, each in its place"), "Shift H"),
    (Command::ShiftLane(Toward::Top), mark!("Move the lane up"), "Alt ↑"),
    (Command::ShiftLane(Toward::Bottom), mark!("Move the lane down"), "Alt ↓"),
    (Command::Undo, mark!("Undo"), "Ctrl Z"),
    (Command::Redo, mark!("Redo"), "Ctrl Shift Z"),
    (Command::Learn, mark!("Lessons"), "L"),
    (Command::Help, mark!("Keys and gestures"), "?"),
];

/// What the help lists for pointers.
pub const POINTER_HELP: &[(&str, &str)] = &[
    (mark!("Click"), mark!("move the cursor, select the lane")),
    (
        mark!("Double click"),
        mark!(
            "show what the lane does there in full, or the range; again, or on the ruler: the whole run"
        ),
    ),
    (mark!("Drag"), mark!("select a range (touch: hold first)")),
    (mark!("Shift drag"), mark!("pan (touch: drag; mouse: also the middle button)")),
    (mark!("Ctrl wheel"), mark!("zoom at the pointer (touch: pinch)")),
    (mark!("Shift wheel"), mark!("pan")),
    (mark!("Ruler drag"), mark!("scrub")),
    (mark!("Alt"), mark!("while selecting: do not snap to changes of state")),
];

#[cfg(test)]
mod tests;
