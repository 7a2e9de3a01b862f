//! The small examples, run as their users run them: `cargo test --test examples`.
//! The word count has a file of its own.

#[path = "common/program.rs"]
mod program;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use killproof::Named;
use killproof::sync::Value;
use program::program;

/// What the example says, which comes to its end.
fn output(name: &str) -> String {
    let output = Command::new(program(name)).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn at_the_traffic_light_both_outcomes_are_seen() {
    let said = output("traffic");
    assert!(said.contains("9 cars passed, 1 was towed away"), "{said}");
    assert!(said.contains("3 police cars ran the red light, 2 passed at green"), "{said}");
    for number in 1..=3 {
        assert!(said.contains(&format!("police car {number} runs the red light")), "{said}");
    }
}

#[test]
fn the_ticket_shop_goes_wrong_without_a_lock_and_right_with_it() {
    let said = output("tickets");
    assert!(said.contains("without a lock: 100 sold of 30"), "{said}");
    assert!(said.contains("with a lock:    30 sold of 30, 0 left"), "{said}");
    assert!(said.contains("killed with the lock held: 10"), "{said}");
}

#[test]
fn other_programs_are_started_and_share_what_survives_them() {
    let said = output("programs");
    assert!(said.contains("hello from sh\ncall: exit code Some(3)"), "{said}");
    assert!(said.contains("communicate: \"apple\\npear\\n\", exit code Some(0)"), "{said}");
    assert!(said.contains("share: told of the death: true, and on we go: 42"), "{said}");
}

#[test]
fn the_room_is_never_overfull_and_gets_its_chair_back() {
    let said = output("room");
    assert!(said.contains("12 people were inside"), "{said}");
    assert!(said.contains("4 of 4 chairs are free"), "{said}");
}

#[test]
fn all_bread_is_eaten_though_a_baker_dies() {
    let said = output("producers");
    assert!(said.contains("baker 1 is dead"), "{said}");
    assert!(said.contains("10 loaves of 10 were eaten"), "{said}");
}

#[test]
fn all_tasks_are_done_though_a_worker_dies() {
    let said = output("tasks");
    assert!(said.contains("all 10 tasks are done"), "{said}");
    for number in 1..=10 {
        assert!(said.contains(&format!("{number} * {number} = {}\n", number * number)), "{said}");
    }
}

#[test]
fn what_two_writers_wrote_is_read() {
    let said = output("writers");
    assert!(said.contains("6 of 6 addresses were read"), "{said}");
    for page in ["/index", "/news", "/about", "/images/1", "/images/2", "/images/3"] {
        assert!(said.contains(&format!("read {page} by writer")), "{said}");
    }
}

#[test]
fn ten_urls_come_out_of_the_pipe_in_order() {
    let said = output("urls");
    let lines = (1..=10).map(|number| format!("https://example.org/page/{number}\n"));
    let wanted: String = lines.chain(["10 urls came out of the pipe\n".into()]).collect();
    assert_eq!(said, wanted);
}

#[test]
fn open_ports_are_found() {
    let said = output("portscan");
    assert!(said.contains("65536 ports seen, 3 of my 3 found"), "{said}");
}

#[test]
fn pages_are_read_but_for_the_one_that_kills() {
    let said = output("fetch");
    assert!(
        said.contains("page 7: the worker was ended by signal 6 (SIGABRT) during the task"),
        "{said}"
    );
    assert!(said.contains("9 of 10 pages were read"), "{said}");
    for number in [1, 2, 3, 4, 5, 6, 8, 9, 10] {
        assert!(said.contains(&format!("read Page {number}\n")), "{said}");
    }
}

#[test]
fn tasks_at_once_and_one_after_the_other_have_the_same_results() {
    let said = output("timing");
    assert!(said.contains("results: [0, 1, 2]"), "{said}");
    assert!(said.contains("not waited for: Closed"), "{said}");
    let first = said.lines().next().and_then(|line| line.split_whitespace().nth(1));
    let seconds: f64 = first.and_then(|seconds| seconds.parse().ok()).unwrap();
    assert!(seconds >= 0.9, "{said}");
}

#[test]
fn progress_comes_to_its_end() {
    let said = output("progress");
    assert!(said.contains("230631 takes 442 steps, the most of all up to 300000"), "{said}");
}

killproof::plain! {
    /// The consumer's progress, as it writes it.
    struct Done {
        next: u64,
        sum: u64,
    }
}

/// What is opened by a name, as soon as somebody has made it.
fn once_there<T>(open: impl Fn() -> Result<T, killproof::Error>) -> T {
    loop {
        match open() {
            Err(error) if error.is_not_found() => thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// One of them is killed and started again whenever they have come some way; in the end
/// each number was counted once.
#[test]
fn producer_and_consumer_are_killed_fifty_times_each_and_nothing_is_lost() {
    const KILLS: usize = 50;
    const SOME_WAY: u64 = 20;
    let name = format!("numbers-{}", std::process::id());
    let named = |part| Named::new(format!("{name}.{part}"));
    let count = named("count").create_shared(Value::new(u64::MAX)).unwrap();
    let start = |program: &PathBuf| {
        let mut command = Command::new(program);
        command.arg(&name).stdout(Stdio::piped()).spawn().unwrap()
    };
    let programs = ["producer", "consumer"].map(program);
    let mut running = programs.each_ref().map(start);
    // Theirs, who have nothing in common with this program but the names. Held from here on:
    // while the producer is dead nobody else has what it sent, and another run of these tests
    // may prune it.
    let done = once_there(|| named("done").open_shared::<Value<Done>>());
    let sent = once_there(|| named("sent").open_shared::<Value<u64>>());
    for kill in 0..2 * KILLS {
        let before = done.get().next;
        while done.get().next < before + SOME_WAY {
            thread::sleep(Duration::from_micros(100));
        }
        // The producer is the last.
        let which = (kill + 1) % 2;
        running[which].kill().unwrap();
        assert_eq!(running[which].wait().unwrap().signal(), Some(9));
        if kill + 1 == 2 * KILLS {
            count.set(sent.get() + 100).unwrap();
        }
        running[which] = start(&programs[which]);
    }
    let [producer, consumer] = running.map(|program| program.wait_with_output().unwrap());
    let said = String::from_utf8(consumer.stdout).unwrap();
    assert!(producer.status.success() && consumer.status.success(), "{said}");
    let Done { next, sum } = done.get();
    assert!(next >= 2000 && sum == next * (next - 1) / 2, "{next} numbers, sum {sum}");
    assert!(said.contains(&format!("{next} numbers, of which the sum is {sum}")), "{said}");
    named("count").unlink().unwrap();
    let left = Named::list().unwrap();
    assert!(!left.iter().any(|entry| entry.name().starts_with(&name)), "{left:?}");
}

#[cfg(feature = "tokio")]
#[test]
fn the_server_loses_a_worker_and_no_number() {
    let said = output("server");
    assert!(said.contains("the unlucky one: Err(Signalled(9))"), "{said}");
    assert!(said.contains("12 squares: [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121]"), "{said}");
}
