//! Scripted kills: what needs several victims, each stopped at a certain place,
//! and is out of reach of the sweep, which follows one program's order.

#[path = "../common/mod.rs"]
mod common;
mod lost_wakeup;

fn main() {
    common::trace::require("scenarios");
    common::case::run(lost_wakeup::cases());
}
