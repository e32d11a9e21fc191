//! Every driver archetype against every kind of call: what it answers,
//! what it waits for, and what becomes of the pages (kernel-spec 5.2).

mod answers;
mod chance;
mod described;
mod documented;
mod faults;
mod jobs;
mod locks;
mod pages;
mod policies;
mod presets;
mod queued;
mod release;
mod rings;
mod workers;
mod world;
