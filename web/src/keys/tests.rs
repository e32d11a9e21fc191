//! Which key does what, where, under which preset.

use super::*;

fn press<'a>(code: &'a str, key: &'a str) -> Press<'a> {
    Press { code, key, shift: false, control: false, alt: false }
}

#[test]
fn letters_go_by_position() {
    let azerty = press("KeyW", "z");
    assert_eq!(command(azerty, Focus::Timeline, Keys::default()), Some(Command::ZoomIn));
    let shifted_slash = Press { shift: true, ..press("Slash", "?") };
    assert_eq!(command(shifted_slash, Focus::Timeline, Keys::default()), Some(Command::Help));
}

#[test]
fn nothing_acts_in_a_field() {
    for (code, key) in [("KeyW", "w"), ("Space", " "), ("Slash", "?"), ("Home", "Home")] {
        assert_eq!(command(press(code, key), Focus::Field, Keys::default()), None);
    }
}

#[test]
fn buttons_and_what_scrolls_keep_their_own_keys_only() {
    let of = |code, key, focus| command(press(code, key), focus, Keys::default());
    for focus in [Focus::Button, Focus::Scroller] {
        assert_eq!(of("Period", ".", focus), Some(Command::Incident(Step::Forward)));
        assert_eq!(of("Slash", "?", focus), Some(Command::Help));
        assert_eq!(of("KeyM", "m", focus), Some(Command::Note));
        assert_eq!(of("Space", " ", focus), None);
    }
    let right = |focus| of("ArrowRight", "ArrowRight", focus);
    assert_eq!(right(Focus::Button), Some(Command::StepInLane(Step::Forward)));
    assert_eq!(right(Focus::Scroller), None);
    let control = Press { control: true, ..press("ArrowRight", "ArrowRight") };
    let step = command(control, Focus::Scroller, Keys::default());
    assert_eq!(step, Some(Command::StepEvent(Step::Forward)));
}

#[test]
fn browser_shortcuts_are_left_alone() {
    for code in ["KeyW", "KeyS", "KeyA", "KeyD", "Digit0", "Minus"] {
        let control = Press { control: true, ..press(code, "") };
        assert_eq!(command(control, Focus::Timeline, Keys::default()), None);
    }
    let alt = Press { alt: true, ..press("ArrowLeft", "ArrowLeft") };
    assert_eq!(command(alt, Focus::Timeline, Keys::default()), None);
}

#[test]
fn arrows_step_by_lane_and_with_control_by_event() {
    let arrow = press("ArrowRight", "ArrowRight");
    let control = Press { control: true, ..arrow };
    let shift = Press { shift: true, ..arrow };
    let commands =
        [arrow, control, shift].map(|press| command(press, Focus::Timeline, Keys::default()));
    assert_eq!(
        commands,
        [
            Some(Command::StepInLane(Step::Forward)),
            Some(Command::StepEvent(Step::Forward)),
            Some(Command::ExtendSelection(Step::Forward)),
        ]
    );
}

#[test]
fn single_keys_can_be_turned_off() {
    let keys = Keys { single: false, ..Keys::default() };
    for (code, key) in [("KeyW", "w"), ("Slash", "?"), ("Period", "."), ("Digit0", "0")] {
        assert_eq!(command(press(code, key), Focus::Timeline, keys), None, "{key}");
    }
    let space = command(press("Space", " "), Focus::Timeline, keys);
    assert_eq!(space, Some(Command::TogglePlay));
    let arrow = command(press("ArrowUp", "ArrowUp"), Focus::Timeline, keys);
    assert_eq!(arrow, Some(Command::Lane(Toward::Top)));
}

#[test]
fn other_preset_moves_among_lanes_with_w_and_s() {
    let keys = Keys { preset: Preset::Move, ..Keys::default() };
    let of = |code| command(press(code, "x"), Focus::Timeline, keys);
    assert_eq!(of("KeyQ"), Some(Command::ZoomIn));
    assert_eq!(of("KeyS"), Some(Command::Lane(Toward::Bottom)));
    assert_eq!(of("KeyA"), Some(Command::PanLeft));
}

#[test]
fn letters_that_are_told_are_those_that_act() {
    for preset in [Preset::Zoom, Preset::Move] {
        let keys = Keys { preset, single: true };
        let mut letters = 0;
        for (wanted, name, shown) in NAMED {
            let shown = told(shown, preset);
            if shown.len() == 1 && shown.bytes().all(|letter| letter.is_ascii_uppercase()) {
                let (code, key) = (format!("Key{shown}"), shown.to_lowercase());
                let found = command(press(&code, &key), Focus::Timeline, keys);
                assert_eq!(found, Some(*wanted), "{name} by {shown} in {preset:?}");
                letters += 1;
            }
        }
        assert!(letters > 10, "{letters}");
    }
    let zoom = HELP.iter().find(|(_, what)| *what == "zoom in or out").unwrap();
    assert!(told(zoom.0, Preset::Move).starts_with("Q E"));
}

#[test]
fn brackets_act_however_a_layout_prints_them() {
    let plain = press("BracketLeft", "[");
    let option = Press { alt: true, ..press("Digit8", "[") };
    let alt_gr = Press { control: true, alt: true, ..press("Digit8", "[") };
    for press in [plain, option, alt_gr] {
        let of = |focus, keys| command(press, focus, keys);
        assert_eq!(of(Focus::Timeline, Keys::default()), Some(Command::GoBack), "{press:?}");
        assert_eq!(of(Focus::Field, Keys::default()), None, "typed");
        assert_eq!(of(Focus::Timeline, Keys { single: false, ..Keys::default() }), None);
    }
    let tab = Press { alt: true, ..press("Digit8", "8") };
    assert_eq!(command(tab, Focus::Timeline, Keys::default()), None, "the browser's");
}

#[test]
fn keys_are_stored_and_read() {
    for preset in [Preset::Zoom, Preset::Move] {
        for single in [true, false] {
            let keys = Keys { preset, single };
            assert_eq!(Keys::from_id(keys.id()), keys);
        }
    }
}

#[test]
fn palette_opens_from_anywhere() {
    let keys = Press { shift: true, control: true, ..press("KeyP", "P") };
    assert_eq!(command(keys, Focus::Field, Keys::default()), Some(Command::Palette));
}
