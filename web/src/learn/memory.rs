//! What the browser keeps of lessons: how far one has come, and that the
//! tour was offered. Nothing of it is sent anywhere.

use yew::prelude::*;

use super::{Lessons, Progress};
use crate::dom;
use crate::state::Action;
use crate::ui::Ui;

const PROGRESS_KEY: &str = "reaperscope-lessons";
const TOUR_KEY: &str = "reaperscope-tour";

/// `mmap-lock=3,nofs=1`
fn written(progress: &Progress) -> String {
    let parts: Vec<String> = progress.iter().map(|(id, seen)| format!("{id}={seen}")).collect();
    parts.join(",")
}

fn read(text: &str) -> Progress {
    let part = |part: &str| {
        let (id, seen) = part.split_once('=')?;
        Some((id.to_owned(), seen.parse().ok()?))
    };
    text.split(',').filter_map(part).collect()
}

/// Reads what is kept, keeps what changes, and offers the tour to who
/// comes for the first time and follows no link.
#[hook]
pub fn use_memory(ui: &Ui, progress: &Progress, offers_tour: bool) {
    let first = ui.clone();
    use_effect_with((), move |()| {
        let stored = read(&dom::stored(PROGRESS_KEY).unwrap_or_default());
        first.send(Action::Learn(Lessons::Remembered(stored)));
        let fragment = dom::window().location().hash().unwrap_or_default();
        if fragment.is_empty() && dom::stored(TOUR_KEY).is_none() {
            first.send(Action::Learn(Lessons::OfferTour));
        }
    });
    let offered = use_mut_ref(|| false);
    use_effect_with(offers_tour, move |offers| {
        if std::mem::replace(&mut *offered.borrow_mut(), *offers) && !offers {
            dom::store(TOUR_KEY, "offered");
        }
    });
    use_effect_with(progress.clone(), |progress| {
        if !progress.is_empty() {
            dom::store(PROGRESS_KEY, &written(progress));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_kept_and_nonsense_forgotten() {
        let progress = Progress::from([("mmap-lock".to_owned(), 3), ("nofs".to_owned(), 1)]);
        assert_eq!(read(&written(&progress)), progress);
        assert_eq!(read("x,=,nofs=-1,nofs=1,"), Progress::from([("nofs".to_owned(), 1)]));
    }
}
