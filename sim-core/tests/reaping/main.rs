//! What each notifier policy makes of one victim, and how each era of
//! the reaper and of exit goes about it; and machines whose reaper is more or less patient.

mod policies;
mod settings;
mod world;
