//! Scenarios that nobody wrote, for properties and for the search.

pub(crate) mod random;
pub(crate) mod readers;
pub(crate) mod trial;
