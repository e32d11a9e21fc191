//! The whole command line, as a shell sees it: output, errors, exit codes.

mod links;
mod list;
mod mistakes;
mod run;
mod tool;
