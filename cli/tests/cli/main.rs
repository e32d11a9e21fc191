//! The whole command line, as a shell sees it: output, errors, exit codes.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

mod captures;
mod compare;
mod explore;
mod lessons;
mod links;
mod list;
mod mistakes;
mod review;
mod run;
mod shrink;
mod sweep;
mod tool;
