//! The panels around the timeline, one component per file.

mod announcer;
mod dialog;
mod events;
mod help;
mod legend;
mod metrics;
mod notice;
mod share;
mod top_bar;
mod transport;
mod why;

pub use announcer::Announcer;
pub use events::EventList;
pub use help::HelpDialog;
pub use legend::Legend;
pub use metrics::MetricsPanel;
pub use notice::Notice;
pub use share::ShareDialog;
pub use top_bar::TopBar;
pub use transport::Transport;
pub use why::WhyPanel;
