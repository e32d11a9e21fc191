//! Recordings of a real kernel against runs of the simulator.

mod files;
mod reader;
