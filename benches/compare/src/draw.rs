//! The picture: how fast each peer is with 64 bytes, on logarithmic scales, the best first.

use std::fmt::Write as _;
use std::{fs, io};

use crate::results::{Results, repository};

const WIDTH: f64 = 960.0;
const ROW: f64 = 24.0;
/// Above the first row and below the last.
const TOP: f64 = 84.0;
const BOTTOM: f64 = 62.0;
/// From the left of a panel to its axis, and the length of that.
const NAMES: f64 = 168.0;
const AXIS: f64 = 230.0;
const PANELS: [f64; 2] = [16.0, 488.0];

const INK: &str = "#1f2937";
const FAINT: &str = "#6b7280";
const GRID: &str = "#e5e7eb";
const OURS: &str = "#c2410c";
const THEIRS: &str = "#64748b";

/// Draws `docs/compare.svg`.
pub fn picture(results: &Results) -> io::Result<()> {
    let trips = Panel::new(results, "round-trip/64B/", "Round trip of 64 bytes", Better::Less);
    let rates =
        Panel::new(results, "one-way/64B/", "64 bytes one way, messages a second", Better::More);
    let rows = trips.rows.len().max(rates.rows.len());
    let height = TOP + ROW * rows as f64 + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n\
         <title>killproof beside its peers: round trips and throughput</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"#ffffff\" \
         stroke=\"{GRID}\"/>\n",
        WIDTH - 1.0,
        height - 1.0,
    );
    for (left, panel) in PANELS.into_iter().zip([trips, rates]) {
        panel.draw(&mut svg, left, height);
    }
    let foot = height - 16.0;
    text(
        &mut svg,
        28.0,
        foot,
        FAINT,
        "start",
        "11",
        "One to one, one message a call, every value \
        checked, in paired rounds. Filled: between processes. Hollow: between threads of one process. \
        Scales are logarithmic.",
    );
    svg.push_str("</svg>\n");
    fs::write(repository("docs/compare.svg"), svg)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
}

struct Panel {
    title: &'static str,
    better: Better,
    rows: Vec<Row>,
    /// Powers of ten at the ends of the axis.
    from: i32,
    to: i32,
}

struct Row {
    peer: String,
    is_thread: bool,
    value: f64,
}

impl Panel {
    fn new(results: &Results, prefix: &str, title: &'static str, better: Better) -> Panel {
        let speeds = results.speeds.iter();
        let mut rows: Vec<Row> = speeds
            .filter_map(|(name, speed)| {
                let peer = name.strip_prefix(prefix)?.to_owned();
                let value = results.beside_base(name, speed);
                Some(Row { peer, is_thread: speed.actors == "threads", value })
            })
            .collect();
        rows.sort_by(|a, b| a.value.total_cmp(&b.value));
        let least = rows.first().map_or(1.0, |row| row.value);
        let most = rows.last().map_or(1.0, |row| row.value);
        if better == Better::More {
            rows.reverse();
        }
        let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        Panel { title, better, rows, from, to: to.max(from + 1) }
    }

    fn draw(&self, svg: &mut String, left: f64, height: f64) {
        let axis = left + NAMES;
        let hint = match self.better {
            Better::Less => "shorter is better",
            Better::More => "longer is better",
        };
        text(svg, left + 12.0, 34.0, INK, "start", "16", &bold(self.title));
        text(svg, left + 12.0, 54.0, FAINT, "start", "12", hint);
        for power in self.from..=self.to {
            let x = axis + self.along(10_f64.powi(power));
            let (top, bottom) = (TOP - 6.0, height - BOTTOM + 4.0);
            line(svg, (x, top), (x, bottom), GRID, 1.0);
            text(svg, x, bottom + 15.0, FAINT, "middle", "11", &self.show(10_f64.powi(power)));
        }
        for (index, row) in self.rows.iter().enumerate() {
            self.draw_row(svg, row, axis, TOP + ROW * (index as f64 + 0.5));
        }
    }

    fn draw_row(&self, svg: &mut String, row: &Row, axis: f64, y: f64) {
        let is_ours = row.peer.starts_with("killproof");
        let color = if is_ours { OURS } else { THEIRS };
        let name = if is_ours { bold(&row.peer) } else { row.peer.clone() };
        let ink = if is_ours { OURS } else { INK };
        let x = axis + self.along(row.value);
        text(svg, axis - 10.0, y + 4.0, ink, "end", "13", &name);
        line(svg, (axis, y), (x, y), color, if is_ours { 4.0 } else { 2.5 });
        let fill = if row.is_thread { "#ffffff" } else { color };
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5.5\" fill=\"{fill}\" stroke=\"{color}\" \
             stroke-width=\"2\"/>",
        );
        // White behind the figure, where lines of the grid would cross it.
        let label = self.show(row.value);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{ink}\" font-size=\"12\" stroke=\"#ffffff\" \
             stroke-width=\"4\" paint-order=\"stroke\">{label}</text>",
            x + 11.0,
            y + 4.0,
        );
    }

    /// How far along the axis.
    fn along(&self, value: f64) -> f64 {
        let decades = f64::from(self.to - self.from);
        AXIS * (value.log10() - f64::from(self.from)) / decades
    }

    fn show(&self, value: f64) -> String {
        match self.better {
            Better::Less => nanoseconds(value),
            Better::More => per_second(value),
        }
    }
}

/// Three digits.
fn digits(value: f64) -> String {
    match value {
        _ if value < 9.95 && value.fract() != 0.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub fn nanoseconds(value: f64) -> String {
    match value {
        _ if value < 1e3 => format!("{} ns", digits(value)),
        _ if value < 1e6 => format!("{} µs", digits(value / 1e3)),
        _ => format!("{} ms", digits(value / 1e6)),
    }
}

pub fn per_second(value: f64) -> String {
    match value {
        _ if value < 1e6 => format!("{} k/s", digits(value / 1e3)),
        _ => format!("{} M/s", digits(value / 1e6)),
    }
}

fn bold(text: &str) -> String {
    format!("<tspan font-weight=\"600\">{text}</tspan>")
}

fn text(svg: &mut String, x: f64, y: f64, color: &str, anchor: &str, size: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{color}\" text-anchor=\"{anchor}\" \
         font-size=\"{size}\">{text}</text>",
    );
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{color}\" \
         stroke-width=\"{width}\" stroke-linecap=\"round\"/>",
        from.0, from.1, to.0, to.1,
    );
}
