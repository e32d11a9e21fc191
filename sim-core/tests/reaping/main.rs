//! What each notifier policy makes of one victim, and how each era of
//! the reaper and of exit goes about it.

mod policies;
mod world;
