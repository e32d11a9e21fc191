//! What the pointer does to the timeline: tells what is under it, and turns gestures into actions.

use sim_core::analysis::LaneOf;
use sim_core::base::SimTime;
use web_sys::{HtmlElement, PointerEvent};
use yew::prelude::*;

use super::{Msg, Props, Timeline, ui};
use crate::dom;
use crate::format;
use crate::keys::Command;
use crate::state::Action;
use crate::timeline::gesture::{Gesture, Mode};
use crate::timeline::hit::Aim;
use crate::timeline::{hit, listen};
use crate::words::t;

/// How near the pointer must be to a mark or an edge.
const REACH_PX: f64 = 6.0;

impl Timeline {
    pub(super) fn on_hover(&mut self, ctx: &Context<Self>, place: Option<(f64, f64)>) -> bool {
        let width = self.plot_width();
        ui(ctx).hover.set(place.map(|(x, _)| (x / width).clamp(0.0, 1.0)));
        dom::set_tips(true);
        let text = place.map_or_else(String::new, |(x, y)| self.under_pointer(ctx.props(), x, y));
        let changed = text != self.hover;
        self.hover = text;
        if !changed {
            self.place_tip();
        }
        changed
    }

    fn under_pointer(&self, props: &Props, x: f64, y: f64) -> String {
        let width = self.plot_width();
        let at = props.view.time_from_px(x, width);
        let lanes = &props.scene.outcome.lanes;
        match self.lane_at(props, y) {
            Some(lane) => {
                let mut text = hit::describe(&lanes[lane], at, self.reach(props));
                if let Some(laid) = &props.laid
                    && matches!(lanes[lane].of, LaneOf::Reaper(_))
                {
                    let near = laid.near(at, self.reach(props));
                    text.extend(near.map(|event| t!(" · recorded: {event}", event = event.told())));
                }
                match props.scene.lock_at(lane, at) {
                    Some(lock) => format!("{text} · {lock}"),
                    None => text,
                }
            }
            None => format::instant(SimTime(at)),
        }
    }

    /// The reach of the pointer, in ns.
    fn reach(&self, props: &Props) -> u64 {
        (REACH_PX / self.plot_width().max(1.0) * props.view.span as f64) as u64
    }

    pub(super) fn on_pointer(
        &mut self,
        ctx: &Context<Self>,
        kind: listen::Kind,
        event: &PointerEvent,
    ) {
        let (Some(ruler), Some(labels)) =
            (self.ruler.cast::<HtmlElement>(), self.labels.cast::<HtmlElement>())
        else {
            return;
        };
        let origin =
            (ruler.get_bounding_client_rect().left(), labels.get_bounding_client_rect().top());
        // What drags was said when it went down.
        let mode =
            if kind == listen::Kind::Down { listen::mode(event) } else { Some(Mode::Select) };
        let Some(mode) = mode else {
            return;
        };
        let pointer = listen::pointer(event, mode, origin);
        if kind == listen::Kind::Move && listen::is_let_go(event) {
            self.gestures.on_cancel(pointer.id);
        }
        let inside = pointer.x >= 0.0 && pointer.x <= self.plot_width();
        if kind == listen::Kind::Move && event.pointer_type() != "touch" {
            let place = inside.then_some((pointer.x, pointer.y));
            self.pointer = (f64::from(event.client_x()), f64::from(event.client_y()));
            ctx.link().send_message(Msg::Hover(place));
        }
        // Where lanes have their labels in the plot, fingers need not find the way between them.
        let on_label = listen::is_touch_on_label(event);
        let gesture = match kind {
            // It is the label's own while it is down, and what comes of it is told here all the same.
            listen::Kind::Down if inside && on_label => self.gestures.on_down(pointer),
            listen::Kind::Down if inside && !listen::is_on_button(event) => {
                listen::capture(event, self.body.cast::<HtmlElement>().as_ref());
                self.gestures.on_down(pointer)
            }
            listen::Kind::Down => None,
            listen::Kind::Move => self.gestures.on_move(pointer),
            listen::Kind::Up => self.gestures.on_up(pointer),
            listen::Kind::Cancel => {
                self.gestures.on_cancel(pointer.id);
                None
            }
        };
        // A tap on a label is for its lane, and moves no cursor; not every one becomes a click.
        if on_label && let Some(Gesture::Click { y, .. } | Gesture::Fit { y, .. }) = gesture {
            if let Some(lane) = self.lane_at(ctx.props(), y) {
                ui(ctx).send(Action::SelectLane(lane));
            }
        } else if let Some(gesture) = gesture {
            self.on_gesture(ctx, gesture, event.alt_key());
        }
    }

    pub(super) fn on_gesture(&self, ctx: &Context<Self>, gesture: Gesture, free: bool) {
        let props = ctx.props();
        let ui = ui(ctx);
        let width = self.plot_width();
        let lanes = &props.scene.outcome.lanes;
        match gesture {
            Gesture::Click { x, y } => {
                let lane = self.lane_at(props, y);
                let at = props.view.time_from_px(x, width);
                let reach = if free { 0 } else { self.reach(props) };
                ui.send(match hit::aim(lane.map(|lane| &lanes[lane]), at, reach) {
                    Aim::Record(record) => Action::SeekRecord(record),
                    Aim::Instant(at) => Action::Seek(at),
                });
                if let Some(lane) = lane {
                    ui.send(Action::SelectLane(lane));
                }
            }
            Gesture::Fit { x, y } => {
                if let Some(lane) = self.lane_at(props, y) {
                    ui.send(Action::Fit { lane, at: props.view.time_from_px(x, width) });
                }
            }
            Gesture::Whole => {
                ui.send(Action::Command { command: Command::WholeRun, anchor: None });
            }
            Gesture::Scrub { x } => {
                ui.send(Action::Play(false));
                ui.send(Action::Seek(props.view.time_from_px(x, width)));
            }
            Gesture::Select { from, to, y } => {
                let lane = self.lane_at(props, y).map(|lane| &lanes[lane]);
                let reach = if free { 0 } else { self.reach(props) };
                let edge = |x| hit::snapped(lane, props.view.time_from_px(x, width), reach);
                ui.send(Action::Select(Some((edge(from), edge(to)))));
            }
            Gesture::Pan { .. } | Gesture::Zoom { .. } => {
                if let Some(action) = listen::moved(gesture, width) {
                    ui.send(action);
                }
            }
        }
    }
}
