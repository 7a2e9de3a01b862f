//! The sweep of one row, and its line.

use std::time::Duration;

use crate::point::{End, Point, kill_at};
use crate::row::{Row, Stride};
use crate::way::Way;

/// A row gives up after so many hangs, each of which costs the whole limit ..
const HANGS: usize = if cfg!(killproof_mutant) { 1 } else { 3 };
/// .. and one that is to fail has shown enough with two.
const PLANTED_HANGS: usize = 2;

/// How many unclean points are told in full.
const TOLD: usize = 3;

/// Kills at every point and says what came of it.
pub fn sweep<W: 'static>(row: &Row<W>) -> Result<String, String> {
    // The first is killed at the end, and tells how long the row is and which way it goes.
    let mut way = Way::default();
    let last = point(row, usize::MAX, &mut way)?;
    let n = last.steps;
    let every = chosen_stride(row.every, n);
    let mut points: Vec<usize> = (0..n).filter(|k| is_chosen(every, *k, n)).collect();
    if is_sample() {
        let is_edge = |k: usize| every.is_none_or(|it| k < it.edge || k + it.edge >= n);
        points.iter_mut().filter(|k| !is_edge(**k)).for_each(|k| *k = way.near(*k));
        points.sort_unstable();
        points.dedup();
    }
    let mut tally = Tally { every, ..Tally::default() };
    tally.add(row, n, n, last);
    for k in points {
        let point = point(row, k, &mut way)?;
        let end = point.end;
        tally.add(row, k, n, point);
        if tally.hangs >= tally.most(row) {
            return tally.line(row, n);
        }
        // Where sleeps and retries are in play a run may be shorter than `n`.
        if end != End::Midway {
            return tally.line(row, n);
        }
    }
    tally.line(row, n)
}

fn point<W: 'static>(row: &Row<W>, k: usize, way: &mut Way) -> Result<Point, String> {
    let point = kill_at(row, k, way).map_err(|e| format!("sweep {}: {e}", row.name))?;
    match (point.end, row.blocks) {
        (End::Blocked, false) => Err(format!(
            "sweep {}: the victim blocks after {} instructions, and the row does not say so",
            row.name, point.steps
        )),
        (End::Finished, true) => {
            Err(format!("sweep {}: the victim does not block, and the row says so", row.name))
        }
        _ => Ok(point),
    }
}

/// Which of `n` instructions are kill points.
///
/// `KILLPROOF_SWEEP` says how many: `full` takes every one, however long that takes; `long`
/// every one of the rows that are short enough; without it a sample of each row must do,
/// so that the tests can be run often.
fn chosen_stride(row: Option<Stride>, n: usize) -> Option<Stride> {
    if is_sample() {
        return (n > SAMPLE).then(|| Stride { edge: SAMPLE / 4, step: n.div_ceil(SAMPLE / 2) });
    }
    row.filter(|_| wanted() != "full")
}

/// About so many kill points make a sample: half of them at the two ends. One that lies deep
/// in a loop is moved on to where a victim comes quickly.
const SAMPLE: usize = 24;

fn is_sample() -> bool {
    match wanted().as_str() {
        "full" => false,
        // Without optimisation the rows are thirty times as long.
        "long" => cfg!(debug_assertions),
        _ => true,
    }
}

fn wanted() -> String {
    std::env::var("KILLPROOF_SWEEP").unwrap_or_default()
}

fn is_chosen(every: Option<Stride>, k: usize, n: usize) -> bool {
    every.is_none_or(|Stride { edge, step }| {
        k < edge || k + edge >= n || (k - edge).is_multiple_of(step)
    })
}

#[derive(Default)]
struct Tally {
    points: usize,
    unclean: usize,
    hangs: usize,
    worst: Duration,
    told: Vec<String>,
    every: Option<Stride>,
}

impl Tally {
    fn most<W>(&self, row: &Row<W>) -> usize {
        if row.expect_failure { PLANTED_HANGS } else { HANGS }
    }

    fn add<W>(&mut self, row: &Row<W>, k: usize, n: usize, point: Point) {
        self.points += 1;
        match point.verdict {
            Ok(recovery) => self.worst = self.worst.max(recovery),
            Err(unclean) => {
                self.unclean += 1;
                self.hangs += usize::from(unclean.hung);
                if self.told.len() < TOLD {
                    let verb = if unclean.hung { "stuck" } else { "wrong" };
                    self.told
                        .push(format!("  {}: {verb} at {k} of {n}: {}", row.name, unclean.reason));
                }
            }
        }
    }

    fn line<W>(self, row: &Row<W>, n: usize) -> Result<String, String> {
        let Self { points, unclean, .. } = self;
        let mut line = format!("sweep {}: {points} kill points", row.name);
        if let Some(Stride { edge, step }) = self.every {
            line += &format!(" (about one in {step} of {n}, and all of the first and last {edge})");
        }
        if row.expect_failure {
            line += &format!(", {unclean} stuck (expected)");
            return if unclean > 0 { Ok(line) } else { Err(line) };
        }
        let clean = points - unclean;
        let worst = self.worst.as_secs_f64() * 1e3;
        line += &format!(", {clean} clean, worst recovery {worst:.1} ms");
        if unclean == 0 {
            return Ok(line);
        }
        Err(format!("{line}\n{}", self.told.join("\n")))
    }
}
