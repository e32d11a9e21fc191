//! How far many runs are, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Shown on a terminal only.
pub(crate) fn bar(runs: u64, done: u64) -> ProgressBar {
    let style = "{wide_bar} {human_pos}/{human_len} runs, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("invariant: a template of ours");
    let bar = ProgressBar::new(runs).with_style(style).with_position(done);
    bar.reset_eta();
    bar
}
