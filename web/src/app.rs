//! The page: one reducer, its effects, and the panels.

use yew::prelude::*;

use crate::address::{Shown, use_opened_links, use_written_link};
use crate::effects::{
    use_key_choice, use_keys, use_playback, use_preferences, use_root_attributes,
};
use crate::panels::{
    Announcer, Compared, EventList, HelpDialog, MetricsPanel, PaletteDialog, ShareDialog, TopBar,
    WhyPanel, differences, legend, notes, notice, transport,
};
use crate::runner::use_runner;
use crate::state::{Dialog, Phase, State};
use crate::timeline::{Overview, Timeline};
use crate::ui::Ui;

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
    use_root_attributes(&state);
    use_written_link(Shown {
        route: state.route(),
        started: state.phase != Phase::Loading,
        settled: state.phase == Phase::Ready && !state.playing,
        substitute: state.notice.is_some(),
    });
    html! {
        <ContextProvider<Ui> context={ui.clone()}>
            { page(&ui, &state) }
        </ContextProvider<Ui>>
    }
}

fn page(ui: &Ui, state: &State) -> Html {
    let shade = state.shade();
    html! {
        <>
            <TopBar request={state.request.clone()} scene={state.scene.clone()} theme={state.theme} />
            <main class={classes!((state.phase != Phase::Ready).then_some("stale"))}>
                { notice(ui, state.notice.as_ref()) }
                { transport(ui, state) }
                { for state.scene.as_ref().map(|scene| html! {
                    <>
                        <Overview scene={scene.clone()} view={state.view} at={state.cursor.at} shade={shade} />
                        <Timeline scene={scene.clone()} view={state.view} at={state.cursor.at} lane={state.lane}
                            arrangement={state.arrangement.clone()} followed={state.followed()} notes={state.notes.clone()}
                            history={(state.history.can_undo(), state.history.can_redo())} selection={state.selection} playing={state.playing} shade={shade} />
                        { for state.others.iter().enumerate().map(|(index, other)| html! {
                            <Compared key={index} first={scene.clone()} other={other.clone()} {index} view={state.view}
                                at={state.cursor.at} playing={state.playing} shade={shade} />
                        }) }
                        { for (!state.others.is_empty()).then(|| {
                            differences(&state.scenes().cloned().collect::<Vec<_>>())
                        }) }
                        { notes(ui, &state.notes) }
                        { legend(scene, state.lane) }
                        <div class="panels">
                            <WhyPanel scene={scene.clone()} lane={state.lane} at={state.cursor.at}
                                happened={state.cursor.happened} selection={state.selection.filter(|(from, to)| from < to)} graph={state.graph} stops={state.stops} />
                            <EventList scene={scene.clone()} happened={state.cursor.happened} playing={state.playing} />
                            <MetricsPanel scene={scene.clone()} selection={state.selection.filter(|(from, to)| from < to)} lane={state.lane} />
                        </div>
                    </>
                }) }
                <Announcer scene={state.scene.clone()} at={state.cursor.at} playing={state.playing} said={state.said.clone()} />
            </main>
            <HelpDialog open={state.dialog == Some(Dialog::Help)} keys={state.keys} />
            <PaletteDialog open={state.dialog == Some(Dialog::Palette)} scene={state.scene.clone()} />
            <ShareDialog open={state.dialog == Some(Dialog::Share)} route={state.route()} />
        </>
    }
}
