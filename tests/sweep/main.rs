//! The kill sweep: a traced process runs one operation and is stepped through
//! it, one instruction at a time, in as many runs as there are instructions; each
//! run kills it one instruction later. After each kill the survivors go on.

#[path = "../common/mod.rs"]
mod common;
mod place;
mod planted;
mod point;
mod report;
mod ring;
mod row;

fn main() {
    common::trace::require("sweep");
    common::case::run(planted::cases());
}
