//! The panels around the timeline, one component per file.

pub mod announcer;
pub mod blame;
pub mod compare;
pub mod dialog;
pub mod events;
pub mod graph;
pub mod help;
pub mod icon;
pub mod legend;
pub mod metrics;
pub mod notes;
pub mod notice;
pub mod palette;
pub mod share;
pub mod top_bar;
pub mod transport;
pub mod why;

pub use announcer::Announcer;
pub use compare::{Compared, differences};
pub use events::EventList;
pub use help::HelpDialog;
pub use legend::legend;
pub use metrics::MetricsPanel;
pub use notes::notes;
pub use notice::notice;
pub use palette::PaletteDialog;
pub use share::ShareDialog;
pub use top_bar::TopBar;
pub use transport::transport;
pub use why::WhyPanel;
