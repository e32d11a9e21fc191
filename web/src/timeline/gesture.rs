//! Turns pointer events into what they mean: a click, a range, a pan,
//! a pinch. Knows nothing of times or lanes, only of pixels.
//!
//! Twice in one place is a click, and then a wish to see what is there in full.
//! Mouse: drag selects, Shift or the middle button pans. Touch: a quick
//! drag pans, a hold of 200 ms selects, two fingers pinch.

/// Below this a drag is still a click.
const SLOP_PX: f64 = 4.0;
/// The second of two clicks comes this soon, and this near to the first.
const AGAIN_MS: f64 = 400.0;
const AGAIN_PX: f64 = 8.0;
/// A finger that rests this long selects.
const HOLD_MS: f64 = 200.0;

/// A pointer, as the browser tells of it.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Pointer {
    /// Which finger.
    pub id: i32,
    /// Pixels from the left edge of the drawing.
    pub x: f64,
    /// Pixels from its top.
    pub y: f64,
    /// Milliseconds, from any origin.
    pub time: f64,
    /// What it is and which modifiers are held.
    pub mode: Mode,
}

/// What a drag of this pointer does.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Mode {
    /// Selects a range.
    Select,
    /// Pans.
    Pan,
    /// A finger: pans or, after a hold, selects.
    Touch,
    /// Moves the cursor along (on the ruler).
    Scrub,
}

impl Mode {
    /// What a pointer that goes down with this button (0: the main one, 1: the middle one) does;
    /// other buttons are the browser's.
    pub fn of(button: i16, on_ruler: bool, is_touch: bool, shift: bool) -> Option<Self> {
        Some(match button {
            0 if on_ruler => Self::Scrub,
            0 if is_touch => Self::Touch,
            0 if shift => Self::Pan,
            0 => Self::Select,
            1 => Self::Pan,
            _ => return None,
        })
    }
}

/// What the user means.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Gesture {
    /// Move the cursor here; take the lane at `y`.
    Click { x: f64, y: f64 },
    /// Show what is here in full.
    Fit { x: f64, y: f64 },
    /// Show all of the run.
    Whole,
    /// Move the cursor along.
    Scrub { x: f64 },
    /// Select from one x to another.
    Select { from: f64, to: f64, y: f64 },
    /// Show what is `dx` pixels to the left.
    Pan { dx: f64 },
    /// Show less or more around `x`.
    Zoom { x: f64, factor: f64 },
}

/// The state between two events.
#[derive(Clone, Debug, Default)]
pub struct Gestures {
    down: Vec<Pointer>,
    origin: Option<Pointer>,
    drag: Drag,
    /// The last click.
    clicked: Option<Pointer>,
}

#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
enum Drag {
    #[default]
    None,
    Selecting,
    Panning,
    Pinching,
}

impl Gestures {
    /// A button or finger went down.
    pub fn on_down(&mut self, pointer: Pointer) -> Option<Gesture> {
        self.down.retain(|other| other.id != pointer.id);
        self.down.push(pointer);
        // However many more: what they do together goes on.
        if self.down.len() >= 2 {
            self.drag = Drag::Pinching;
            return None;
        }
        self.origin = Some(pointer);
        self.drag = Drag::None;
        (pointer.mode == Mode::Scrub).then_some(Gesture::Scrub { x: pointer.x })
    }

    /// It moved.
    pub fn on_move(&mut self, pointer: Pointer) -> Option<Gesture> {
        let index = self.down.iter().position(|other| other.id == pointer.id)?;
        let before = self.down[index];
        let spread_before = self.spread();
        self.down[index] = Pointer { mode: before.mode, ..pointer };
        if self.drag == Drag::Pinching {
            let (spread, before) = (self.spread()?, spread_before?);
            return Some(Gesture::Zoom { x: self.center(), factor: before / spread });
        }
        let origin = self.origin?;
        if before.mode == Mode::Scrub {
            return Some(Gesture::Scrub { x: pointer.x });
        }
        if self.drag == Drag::None {
            let moved = (pointer.x - origin.x).abs().max((pointer.y - origin.y).abs());
            if moved < SLOP_PX {
                return None;
            }
            self.drag = match before.mode {
                Mode::Pan => Drag::Panning,
                Mode::Touch if pointer.time - origin.time < HOLD_MS => Drag::Panning,
                _ => Drag::Selecting,
            };
            if self.drag == Drag::Panning {
                return Some(Gesture::Pan { dx: pointer.x - origin.x });
            }
        }
        match self.drag {
            Drag::Panning => Some(Gesture::Pan { dx: pointer.x - before.x }),
            Drag::Selecting => Some(Gesture::Select { from: origin.x, to: pointer.x, y: origin.y }),
            Drag::None | Drag::Pinching => None,
        }
    }

    /// It went up.
    pub fn on_up(&mut self, pointer: Pointer) -> Option<Gesture> {
        let index = self.down.iter().position(|other| other.id == pointer.id)?;
        let mode = self.down.remove(index).mode;
        let drag = self.drag;
        if self.down.is_empty() {
            self.drag = Drag::None;
        }
        let (x, y) = (pointer.x, pointer.y);
        let far = |other: Pointer| (x - other.x).abs().max((y - other.y).abs());
        let rested = self.origin.is_some_and(|origin| far(origin) < SLOP_PX);
        if drag != Drag::None || mode == Mode::Pan || mode == Mode::Scrub && !rested {
            self.clicked = None;
            return None;
        }
        let before = self.clicked.replace(pointer);
        if before.is_some_and(|it| pointer.time - it.time < AGAIN_MS && far(it) < AGAIN_PX) {
            self.clicked = None;
            let is_ruler = mode == Mode::Scrub;
            return Some(if is_ruler { Gesture::Whole } else { Gesture::Fit { x, y } });
        }
        (mode != Mode::Scrub).then_some(Gesture::Click { x, y })
    }

    /// The browser took it away.
    pub fn on_cancel(&mut self, id: i32) {
        self.down.retain(|other| other.id != id);
        if self.down.is_empty() {
            self.drag = Drag::None;
        }
    }

    /// How far the outermost fingers are apart, if there are two at least.
    fn spread(&self) -> Option<f64> {
        let left = self.down.iter().map(|pointer| pointer.x).reduce(f64::min)?;
        let right = self.down.iter().map(|pointer| pointer.x).reduce(f64::max)?;
        (self.down.len() >= 2).then(|| (right - left).max(8.0))
    }

    fn center(&self) -> f64 {
        self.down.iter().map(|pointer| pointer.x).sum::<f64>() / self.down.len().max(1) as f64
    }
}

/// The zoom of a turn of the wheel: a notch of 100 px is a quarter more
/// or less, and notches multiply.
pub fn wheel_factor(delta_px: f64) -> f64 {
    let notches = (delta_px / 100.0).clamp(-4.0, 4.0);
    // 2^(n/3), by its tangent to second order: exact enough to the hand.
    let x = notches / 3.0 * std::f64::consts::LN_2;
    if x >= 0.0 { 1.0 + x + x * x / 2.0 } else { 1.0 / (1.0 - x + x * x / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, time: f64, mode: Mode) -> Pointer {
        Pointer { id: 1, x, y: 10.0, time, mode }
    }

    #[test]
    fn short_press_is_a_click() {
        let mut gestures = Gestures::default();
        assert_eq!(gestures.on_down(at(5.0, 0.0, Mode::Select)), None);
        assert_eq!(gestures.on_move(at(7.0, 1.0, Mode::Select)), None);
        let click = gestures.on_up(at(7.0, 2.0, Mode::Select));
        assert_eq!(click, Some(Gesture::Click { x: 7.0, y: 10.0 }));
        assert_eq!(gestures.on_move(at(50.0, 3.0, Mode::Select)), None);
    }

    #[test]
    fn second_click_in_one_place_wants_to_see_it_in_full() {
        let mut gestures = Gestures::default();
        let mut click = |x, time, mode| {
            gestures.on_down(at(x, time, mode));
            gestures.on_up(at(x, time + 10.0, mode))
        };
        let fit = |x| Some(Gesture::Fit { x, y: 10.0 });
        let single = |x| Some(Gesture::Click { x, y: 10.0 });
        assert_eq!(click(5.0, 0.0, Mode::Select), single(5.0));
        assert_eq!(click(6.0, 200.0, Mode::Select), fit(6.0));
        assert_eq!(click(6.0, 400.0, Mode::Select), single(6.0), "the third begins anew");
        assert_eq!(click(40.0, 500.0, Mode::Select), single(40.0), "elsewhere");
        assert_eq!(click(40.0, 1_000.0, Mode::Select), single(40.0), "too late");
        assert_eq!(click(40.0, 1_100.0, Mode::Touch), fit(40.0));
        assert_eq!(click(7.0, 2_000.0, Mode::Scrub), None);
        assert_eq!(click(7.0, 2_100.0, Mode::Scrub), Some(Gesture::Whole));
    }

    #[test]
    fn mouse_drag_selects_and_shift_pans() {
        let mut gestures = Gestures::default();
        gestures.on_down(at(5.0, 0.0, Mode::Select));
        let drag = gestures.on_move(at(50.0, 1.0, Mode::Select));
        assert_eq!(drag, Some(Gesture::Select { from: 5.0, to: 50.0, y: 10.0 }));
        assert_eq!(gestures.on_up(at(50.0, 2.0, Mode::Select)), None);

        gestures.on_down(at(5.0, 0.0, Mode::Pan));
        gestures.on_move(at(25.0, 1.0, Mode::Pan));
        let pan = gestures.on_move(at(30.0, 2.0, Mode::Pan));
        assert_eq!(pan, Some(Gesture::Pan { dx: 5.0 }));
    }

    #[test]
    fn finger_pans_or_selects_after_a_hold() {
        let mut gestures = Gestures::default();
        gestures.on_down(at(5.0, 0.0, Mode::Touch));
        let quick = gestures.on_move(at(50.0, 50.0, Mode::Touch));
        assert_eq!(quick, Some(Gesture::Pan { dx: 45.0 }));
        gestures.on_up(at(50.0, 60.0, Mode::Touch));
        gestures.on_down(at(5.0, 100.0, Mode::Touch));
        let held = gestures.on_move(at(50.0, 400.0, Mode::Touch));
        assert!(matches!(held, Some(Gesture::Select { .. })));
    }

    #[test]
    fn two_fingers_pinch() {
        let mut gestures = Gestures::default();
        let finger = |id, x| Pointer { id, x, y: 0.0, time: 0.0, mode: Mode::Touch };
        gestures.on_down(finger(1, 100.0));
        gestures.on_down(finger(2, 200.0));
        let zoom = gestures.on_move(finger(2, 300.0));
        assert_eq!(zoom, Some(Gesture::Zoom { x: 200.0, factor: 0.5 }));
        assert_eq!(gestures.on_up(finger(2, 300.0)), None);
        assert_eq!(gestures.on_up(finger(1, 100.0)), None, "no click after a pinch");
    }

    #[test]
    fn third_finger_goes_on_pinching_wherever_it_lands() {
        let mut gestures = Gestures::default();
        let finger = |id, x, time| Pointer { id, x, y: 0.0, time, mode: Mode::Touch };
        gestures.on_down(finger(1, 100.0, 0.0));
        gestures.on_down(finger(2, 200.0, 0.0));
        assert_eq!(gestures.on_down(finger(3, 500.0, 10.0)), None);
        let still = gestures.on_move(finger(2, 210.0, 400.0));
        assert_eq!(still, Some(Gesture::Zoom { x: 270.0, factor: 1.0 }), "between the outermost");
        let zoom = gestures.on_move(finger(3, 900.0, 410.0));
        assert!(matches!(zoom, Some(Gesture::Zoom { factor: 0.5, .. })), "{zoom:?}");
        assert_eq!(gestures.on_up(finger(3, 900.0, 420.0)), None);
        let again = gestures.on_move(finger(2, 320.0, 430.0));
        assert!(matches!(again, Some(Gesture::Zoom { factor: 0.5, .. })), "{again:?}");
    }

    #[test]
    fn other_buttons_are_left_to_the_browser() {
        let of = |button| Mode::of(button, false, false, false);
        assert_eq!([of(0), of(1), of(2), of(3)], [Some(Mode::Select), Some(Mode::Pan), None, None]);
        assert_eq!(Mode::of(0, true, true, true), Some(Mode::Scrub));
        assert_eq!(Mode::of(0, false, true, true), Some(Mode::Touch));
        assert_eq!(Mode::of(0, false, false, true), Some(Mode::Pan));
        assert_eq!(Mode::of(2, true, false, false), None);
    }

    #[test]
    fn wheel_is_symmetric() {
        let there_and_back = wheel_factor(120.0) * wheel_factor(-120.0);
        assert!((there_and_back - 1.0).abs() < 1e-9);
        assert!(wheel_factor(100.0) > 1.2);
    }
}
