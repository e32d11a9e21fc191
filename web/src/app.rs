//! The page: one reducer, its effects, and the panels.
//!
//! Functions that must stay apart (`inline(never)`) are those the first view does not run: the build
//! parts the program function by function.

use sim_core::share::Branch;
use yew::prelude::*;

use crate::address::{Shown, address_of, shareable, use_opened_links, use_written_link};
use crate::effects::{
    use_focus, use_key_choice, use_keys, use_playback, use_preferences, use_root_attributes,
};
use crate::forks;
use crate::format;
use crate::learn::memory::use_memory;
use crate::learn::panel::{LearnPanel, tour_offer};
use crate::panels::{
    Announcer, Beside, Compared, Editor, EventList, ForkDialog, HelpDialog, MetricsPanel,
    PaletteDialog, ShareDialog, StoryDialog, TopBar, WhyPanel, differences, fork_tree, legend,
    notes, notice, transport,
};
use crate::rest::{use_painted, use_rest};
use crate::route::{Route, fragment};
use crate::runner::use_runner;
use crate::shared::Shared;
use crate::state::{Dialog, Phase, Scene, State};
use crate::sweep::panel::SweepPanel;
use crate::sweep::rewind_view::CurveStrip;
use crate::timeline::{Overview, Timeline};
use crate::transfer::drop::use_drop;
use crate::transfer::export_dialog::ExportDialog;
use crate::transfer::image::title_of;
use crate::transfer::import_dialog::ImportDialog;
use crate::transfer::overlay::Overlay;
use crate::transfer::print::PrintFoot;
use crate::transfer::strip::RecordingStrip;
use crate::ui::Ui;
use crate::words::t;

#[component]
pub fn App() -> Html {
    let state = use_reducer(State::default);
    let ui = use_memo((), |()| Ui::new(state.dispatcher()));
    let ui = (*ui).clone();
    use_preferences(&ui, state.theme);
    use_opened_links(&ui);
    use_runner(&ui, &state.request, state.turn);
    use_playback(&ui, state.playing);
    use_key_choice(&ui, state.keys);
    use_keys(&ui);
    use_drop(&ui);
    use_focus(&state.call);
    use_memory(&ui, &state.learn.progress, state.learn.offers_tour);
    use_root_attributes(&state);
    // Whoever asks for what is behind waits for it: what is typed next is meant for that.
    let is_whole = use_rest() || state.dialog.is_some() || state.learn.shown || state.sweeping;
    // The picture first, then what is said of it.
    let is_painted = use_painted(state.scene.is_some());
    let told = match (is_whole, is_painted) {
        (false, _) => Told::Picture,
        (true, false) => Told::Behind,
        (true, true) => Told::All,
    };
    use_written_link(
        &ui,
        Shown {
            route: state.route(),
            started: state.phase != Phase::Loading,
            settled: is_whole && state.phase == Phase::Ready && !state.playing,
            links: state.links,
            substitute: state.notice.is_some(),
        },
    );
    html! {
        <ContextProvider<Ui> context={ui.clone()}>
            { page(&ui, &state, told) }
        </ContextProvider<Ui>>
    }
}

/// How much of the page there is yet.
#[derive(Copy, Clone, PartialEq)]
enum Told {
    /// What the first part of the program draws.
    Picture,
    /// With what is behind it and nobody sees at first.
    Behind,
    /// With all that is said of the picture.
    All,
}

/// The link for paper; none while it changes all the time.
fn print_link(state: &State) -> String {
    let still = state.phase == Phase::Ready && !state.playing;
    if still { shareable(&fragment(&state.route())) } else { String::new() }
}

/// The runs on screen, and what the others are called.
fn named_scenes(state: &State) -> Vec<(Shared<Scene>, String)> {
    let others = state.request.others.len();
    let name = |(place, (scene, name)): (usize, (&Shared<Scene>, String))| {
        let fork = place.checked_sub(others + 1).and_then(|it| state.request.branches.get(it));
        let of_fork = |it: &Branch| {
            t!(
                "fork at {at}: {choice}",
                at = format::instant(it.fork.at),
                choice = it.fork.choice.text()
            )
        };
        (scene.clone(), fork.map_or(name, of_fork))
    };
    state.scenes().zip(state.names()).enumerate().map(name).collect()
}

#[inline(never)]
fn exported(state: &State) -> Html {
    let open = state.dialog == Some(Dialog::Export);
    let lanes: Vec<usize> = if open { state.rows().lanes().collect() } else { Vec::new() };
    let route = if open { state.route() } else { Route::default() };
    let scenes = if open { named_scenes(state) } else { Vec::new() };
    // As on screen: others beside the first run, forks below what they came off.
    let others = state.others.len() - state.branch_scenes().len();
    let off = |parent: usize| if parent == 0 { 0 } else { others + parent };
    let branches = state.request.branches.iter().map(|branch| off(branch.parent));
    let parents: Vec<usize> = std::iter::repeat_n(0, others).chain(branches).collect();
    html! {
        <ExportDialog {open} {scenes} {parents} {route} {lanes} lane={state.lane} followed={state.followed()} view={state.view} at={state.cursor.at} shade={state.shade()} />
    }
}

/// The timeline and what plays it, as part of another page.
#[inline(never)]
fn embedded(ui: &Ui, state: &State) -> Html {
    let shade = state.shade();
    let whole = address_of(&fragment(&Route { embed: false, ..state.route() }));
    html! {
        <div class="embedded">
            <main>
                <h1 class="hidden" translate="no">{ title_of(&state.request.scenario) }</h1>
                { notice(ui, state.notice.as_ref()) }
                { transport(ui, state) }
                if !state.others.is_empty() {
                    <header class="compare"><h2 translate="no">{ for state.names().first().cloned() }</h2></header>
                }
                { state.scene.as_ref().map(|scene| html! {
                    <Timeline scene={scene.clone()} view={state.view} now={state.cursor} lane={state.lane}
                        arrangement={state.arrangement.clone()} followed={state.followed()} notes={state.notes.clone()} matched={state.matched.clone()} laid={state.laid.clone()}
                        history={(state.history.can_undo(), state.history.can_redo())} selection={state.selection} playing={state.playing} shade={shade}
                        keys={state.keys} printing={state.printing} embed={state.embed} />
                }).unwrap_or_default() }
                { state.scene.as_ref().map(|scene| html! {
                    <>
                        if !state.others.is_empty() { { compared(state, scene) } }
                        { legend(scene, state.lane) }
                    </>
                }).unwrap_or_default() }
                <p class="open-whole"><a href={whole} target="_blank" rel="noopener">{ t!("Open in Reaperscope") }</a></p>
                <Announcer scene={state.scene.clone()} at={state.cursor.at} playing={state.playing} said={(state.said.clone(), state.said_by_cell)} />
            </main>
        </div>
    }
}

/// What stands under the run: what it is compared with, and whose run that is.
fn beside(state: &State, scene: &Shared<Scene>) -> Vec<(Shared<Scene>, Shared<Scene>, Beside)> {
    let branches = state.branch_scenes();
    let others =
        state.request.others.iter().zip(&state.others).zip(state.names().into_iter().skip(1));
    let others = others.enumerate().map(|(place, ((other, run), name))| {
        (scene.clone(), run.clone(), Beside::Other { place, kind: other.kind(), name })
    });
    let forked = forks::tree(&state.request.branches).into_iter().filter_map(|node| {
        let fork = state.request.branches.get(node.branch - 1)?.fork.clone();
        let parent = node.parent.checked_sub(1);
        let parent = parent.map_or(Some(scene), |index| branches.get(index))?;
        let of = Beside::Branch { number: node.branch, parent: node.parent, fork };
        Some((parent.clone(), branches.get(node.branch - 1)?.clone(), of))
    });
    others.chain(forked).collect()
}

/// What nobody sees at first.
#[inline(never)]
fn behind(state: &State) -> Html {
    html! {
        <>
            { for state.scene.as_ref().map(|scene| html! {
                <PrintFoot scene={scene.clone()} title={title_of(&state.request.scenario)} link={print_link(state)} />
            }) }
            <HelpDialog open={state.dialog == Some(Dialog::Help)} keys={state.keys} />
            <PaletteDialog open={state.dialog == Some(Dialog::Palette)} scene={state.scene.clone()} />
            <ImportDialog open={state.dialog == Some(Dialog::Import)} received={state.received.clone()} />
            { exported(state) }
            <ForkDialog open={state.dialog == Some(Dialog::Fork)} request={state.request.clone()} scene={state.scene.clone()}
                branches={state.branch_scenes().to_vec()} cursor={state.cursor} lane={state.lane} />
            <StoryDialog open={state.dialog == Some(Dialog::Story)} scene={state.scene.clone()} />
            <ShareDialog open={state.dialog == Some(Dialog::Share)} route={state.route()} />
        </>
    }
}

/// The runs beside the first one, and what is different in them.
#[inline(never)]
fn compared(state: &State, scene: &Shared<Scene>) -> Html {
    let scenes: Vec<_> = state.scenes().cloned().collect();
    html! {
        <>
            { for beside(state, scene).into_iter().map(|(first, other, of)| html! {
                <Compared key={of.key()} {first} {other} of={of.clone()} view={state.view}
                    at={state.cursor.at} playing={state.playing} shade={state.shade()} />
            }) }
            { differences(&scenes, &state.names()) }
        </>
    }
}

#[inline(never)]
fn editor(state: &State) -> Html {
    html! { <Editor scenario={state.request.scenario.clone()} sets={state.request.sets.clone()} rescued={state.rescued.clone()} /> }
}

#[inline(never)]
fn strip(state: &State, laid: &Shared<Overlay>) -> Html {
    html! { <RecordingStrip laid={laid.clone()} view={state.view} /> }
}

/// What the run says below its picture.
#[inline(never)]
fn panels(state: &State, scene: &Shared<Scene>) -> Html {
    let selection = state.selection.filter(|(from, to)| from < to);
    html! {
        <>
            <WhyPanel scene={scene.clone()} lane={state.lane} at={state.cursor.at}
                happened={state.cursor.happened} {selection} graph={state.graph} stops={state.stops} />
            <EventList scene={scene.clone()} happened={state.cursor.happened} playing={state.playing} wanted={state.filter.clone()} />
            <MetricsPanel scene={scene.clone()} {selection} lane={state.lane} />
        </>
    }
}

/// Their places, so that nothing moves when they come.
fn panels_to_come() -> Html {
    let titles = [t!("Why?"), t!("Events"), t!("Numbers")];
    let panel =
        |title| html! { <section class="panel" aria-busy="true"><h2>{ title }</h2></section> };
    html! { <>{ for titles.into_iter().map(panel) }</> }
}

/// The page; what is behind or below the first view becomes part of it when the whole program is
/// there, and what is said of a picture when that has been seen.
fn page(ui: &Ui, state: &State, told: Told) -> Html {
    if state.embed {
        return embedded(ui, state);
    }
    let shade = state.shade();
    // What is not there yet has its place in each list all the same (an `if`, no `for`): else all
    // that stands before it would be made anew when it comes.
    html! {
        <>
            <TopBar request={state.request.clone()} scene={state.scene.clone()} theme={state.theme} editing={state.editing} sweeping={state.sweeping} />
            <div class="desk">
            <main class={classes!((state.phase != Phase::Ready).then_some("stale"))}>
                { notice(ui, state.notice.as_ref()) }
                { tour_offer(ui, &state.learn) }
                { transport(ui, state) }
                if state.editing { { editor(state) } }
                { state.laid.as_ref().map(|laid| strip(state, laid)).unwrap_or_default() }
                { state.scene.as_ref().map(|scene| html! {
                    <>
                        <Overview scene={scene.clone()} view={state.view} at={state.cursor.at} shade={shade} />
                        { state.curve().map(|curve| html! { <CurveStrip curve={curve.clone()} view={state.view} /> }).unwrap_or_default() }
                        <Timeline scene={scene.clone()} view={state.view} now={state.cursor} lane={state.lane}
                            arrangement={state.arrangement.clone()} followed={state.followed()} notes={state.notes.clone()} matched={state.matched.clone()} laid={state.laid.clone()}
                            history={(state.history.can_undo(), state.history.can_redo())} selection={state.selection} playing={state.playing} shade={shade}
                        keys={state.keys} printing={state.printing} embed={state.embed} />
                        { fork_tree(ui, state) }
                        if !state.others.is_empty() { { compared(state, scene) } }
                        { notes(ui, &state.notes) }
                        { legend(scene, state.lane) }
                        <div class="panels">
                            { if told == Told::All { panels(state, scene) } else { panels_to_come() } }
                        </div>
                    </>
                }).unwrap_or_default() }
                <Announcer scene={state.scene.clone()} at={state.cursor.at} playing={state.playing} said={(state.said.clone(), state.said_by_cell)} />
            </main>
            if told != Told::Picture {
                <>
                    <LearnPanel learn={state.learn.clone()} />
                    <SweepPanel open={state.sweeping} request={state.request.clone()} scene={state.scene.clone().filter(|_| state.sweeping)} {shade} curve={state.curve().cloned()} />
                </>
            }
            </div>
            if told != Told::Picture { { behind(state) } }
        </>
    }
}
