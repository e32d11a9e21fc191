//! Many runs instead of one: a scenario under several policies and seeds,
//! made by workers, counted, and drawn. What is counted is the simulator's
//! (`sim_core::experiment`); here is who makes the runs, and how it shows.

pub mod batch;
pub mod dots;
pub mod form;
pub mod panel;
pub mod plan;
pub mod plot;
pub mod pool;
pub mod results;
pub mod review;
pub mod rewind;
pub mod rewind_view;
pub mod tally;
pub mod under_way;
pub mod verdicts;
