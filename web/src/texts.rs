//! Texts of the gallery's scenarios and of the lessons. The build puts them into the part of the
//! program that comes behind the first view, so whoever reads one goes through here.
//!
//! Titles, ids and groups are there from the start, and are no texts.

use sim_core::{lesson, scenario::gallery};

use crate::rest;

/// The gallery, to read.
pub fn scenarios() -> &'static [gallery::Entry] {
    rest::have();
    gallery::gallery()
}

/// A scenario of the gallery, to read.
pub fn scenario(id: &str) -> Option<&'static gallery::Entry> {
    rest::have();
    gallery::find(id)
}

/// The lessons, to read; the first is the tour.
pub fn lessons() -> &'static [lesson::Entry] {
    rest::have();
    lesson::ALL
}
