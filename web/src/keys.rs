//! The keyboard: physical keys to commands, pure.
//!
//! Letters go by position (`code`), so that W/A/S/D stay a cross on every
//! layout; signs go by what they print. Single keys act only while
//! nothing that takes text or keys of its own has the focus.

use crate::timeline::hit::Step;
use crate::timeline::rows::Toward;

/// Where the focus is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Focus {
    /// On the page itself or in the timeline: all keys act.
    Timeline,
    /// On a button or link outside it, a list with keys of its own, or
    /// in a field: none acts.
    Elsewhere,
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
    /// Every lane in its own place again.
    ShowAllLanes,
    GoToStart,
    GoToEnd,
    Search,
    Help,
    Clear,
}

/// The command of a key press, if it is one.
pub fn command(press: Press<'_>, focus: Focus) -> Option<Command> {
    if focus == Focus::Elsewhere {
        return None;
    }
    if press.alt {
        return match (press.code, press.control || press.shift) {
            ("ArrowUp", false) => Some(Command::ShiftLane(Toward::Top)),
            ("ArrowDown", false) => Some(Command::ShiftLane(Toward::Bottom)),
            _ => None,
        };
    }
    if press.control {
        return match press.code {
            "ArrowLeft" => Some(Command::StepEvent(Step::Back)),
            "ArrowRight" => Some(Command::StepEvent(Step::Forward)),
            _ => None,
        };
    }
    let by_sign = match press.key {
        "+" | "=" => Some(Command::ZoomIn),
        "-" | "_" => Some(Command::ZoomOut),
        "0" => Some(Command::WholeRun),
        "?" => Some(Command::Help),
        "/" => Some(Command::Search),
        "." => Some(Command::Incident(Step::Forward)),
        "," => Some(Command::Incident(Step::Back)),
        "]" => Some(Command::FollowCause),
        "[" => Some(Command::GoBack),
        _ => None,
    };
    by_sign.or_else(|| by_position(press))
}

fn by_position(press: Press<'_>) -> Option<Command> {
    if press.shift {
        return match press.code {
            "ArrowLeft" => Some(Command::ExtendSelection(Step::Back)),
            "ArrowRight" => Some(Command::ExtendSelection(Step::Forward)),
            "KeyH" => Some(Command::ShowAllLanes),
            _ => None,
        };
    }
    Some(match press.code {
        "KeyW" => Command::ZoomIn,
        "KeyS" => Command::ZoomOut,
        "KeyA" => Command::PanLeft,
        "KeyD" => Command::PanRight,
        "KeyF" => Command::FitSelection,
        "KeyP" => Command::PinLane,
        "KeyH" => Command::HideLane,
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
    ("Space", "play or pause"),
    ("← →", "previous or next event of the lane"),
    ("Ctrl ← →", "previous or next event of the run"),
    (", .", "previous or next incident"),
    ("↑ ↓", "lane above or below"),
    ("P", "pin the lane on top, or let it go"),
    ("H", "hide the lane"),
    ("Shift H", "show all lanes, each in its place"),
    ("Alt ↑ ↓", "move the lane up or down"),
    ("] [", "follow whom it waits for, or who acted on it last; go back"),
    ("Home End", "start or end of the run"),
    ("W S  + −", "zoom in or out"),
    ("A D", "pan left or right"),
    ("0", "whole run"),
    ("Shift ← →", "extend the selected range"),
    ("F", "zoom to the selected range"),
    ("/", "filter the events"),
    ("Esc", "clear the selected range"),
    ("?", "this list"),
];

/// What the help lists for pointers.
pub const POINTER_HELP: &[(&str, &str)] = &[
    ("Click", "move the cursor, select the lane"),
    ("Drag", "select a range (touch: hold first)"),
    ("Shift drag", "pan (touch: drag; mouse: also the middle button)"),
    ("Ctrl wheel", "zoom at the pointer (touch: pinch)"),
    ("Shift wheel", "pan"),
    ("Ruler drag", "scrub"),
    ("Alt", "while selecting: do not snap to changes of state"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn press<'a>(code: &'a str, key: &'a str) -> Press<'a> {
        Press { code, key, shift: false, control: false, alt: false }
    }

    #[test]
    fn letters_go_by_position() {
        let azerty = press("KeyW", "z");
        assert_eq!(command(azerty, Focus::Timeline), Some(Command::ZoomIn));
        let shifted_slash = Press { shift: true, ..press("Slash", "?") };
        assert_eq!(command(shifted_slash, Focus::Timeline), Some(Command::Help));
    }

    #[test]
    fn nothing_acts_outside_the_timeline() {
        for (code, key) in [("KeyW", "w"), ("Space", " "), ("Slash", "?"), ("Home", "Home")] {
            assert_eq!(command(press(code, key), Focus::Elsewhere), None);
        }
    }

    #[test]
    fn browser_shortcuts_are_left_alone() {
        for code in ["KeyW", "KeyS", "KeyA", "KeyD", "Digit0", "Minus"] {
            let control = Press { control: true, ..press(code, "") };
            assert_eq!(command(control, Focus::Timeline), None);
        }
        let alt = Press { alt: true, ..press("ArrowLeft", "ArrowLeft") };
        assert_eq!(command(alt, Focus::Timeline), None);
    }

    #[test]
    fn arrows_step_by_lane_and_with_control_by_event() {
        let arrow = press("ArrowRight", "ArrowRight");
        let control = Press { control: true, ..arrow };
        let shift = Press { shift: true, ..arrow };
        let commands = [arrow, control, shift].map(|press| command(press, Focus::Timeline));
        assert_eq!(
            commands,
            [
                Some(Command::StepInLane(Step::Forward)),
                Some(Command::StepEvent(Step::Forward)),
                Some(Command::ExtendSelection(Step::Forward)),
            ]
        );
    }
}
