//! The discrete-event engine: what runs next, and when.
//!
//! Knows nothing of Linux; the kernel model lives above it.
#![deny(clippy::float_arithmetic)]

pub mod event_list;
