//! Futures that are dropped while they wait: nothing was sent, received or joined by
//! them, nothing is lost, and nothing comes twice. Also while others are killed.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Instant;

use killproof::channel::{PipeBuilder, Receiver, RecvError, Sender, queue};
use killproof::process::{self, JoinError};
use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::child::{fork, until};
use crate::common::forms::block_on;
use crate::common::mapped::{Gate, Mapped, gate};
use crate::common::random::Random;
use crate::{STUCK, expect, finish, kill, scenario};

/// One process is killed in each.
const ROUNDS: usize = 30;
/// How many more a sender may send in each round.
const QUOTA: usize = 64;
const DESKS: usize = 2;
/// Each sender that takes another's place begins anew.
const SOURCES: usize = DESKS + ROUNDS;
/// How many futures at least are dropped in a phase that drops them.
const DROPS: u32 = 8;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("cancelled sends and receives, tokio", || killed_at_random(receive, false)),
        scenario("cancelled sends and leases, tokio", || killed_at_random(lease, true)),
        scenario("cancelled sends and receives of a pipe, tokio", of_a_pipe),
        scenario("cancelled waits for an event, tokio", of_an_event),
        scenario("cancelled joins, tokio", of_a_child),
    ]
}

/// The answer, unless it has not come after so many polls: then the future is dropped.
async fn within<R>(polls: u64, future: impl Future<Output = R>) -> Option<R> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// Tries with a new future each time, until one comes to its end.
async fn persist<R>(
    random: &mut Random,
    dropped: &AtomicU32,
    mut new: impl AsyncFnMut() -> R,
) -> R {
    loop {
        if let Some(answer) = within(random.below(4), new()).await {
            return answer;
        }
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// What everybody writes down.
struct Ledger {
    /// How many messages a sender may have sent.
    limit: AtomicUsize,
    over: Gate,
    senders_rest: AtomicBool,
    receivers_rest: AtomicBool,
    dropped_sends: AtomicU32,
    dropped_receives: AtomicU32,
    received: AtomicU32,
    /// Messages that another one had been given before.
    again: AtomicU32,
    /// Of each source, the sends that came to their end.
    sent: [AtomicUsize; SOURCES],
    seen: [[AtomicU32; ROUNDS * QUOTA]; SOURCES],
}

impl Ledger {
    fn new() -> Mapped<Ledger> {
        let [dropped_sends, dropped_receives, received, again] = [const { AtomicU32::new(0) }; 4];
        Mapped::new(Ledger {
            limit: AtomicUsize::new(0),
            over: Gate::default(),
            senders_rest: AtomicBool::new(false),
            receivers_rest: AtomicBool::new(false),
            dropped_sends,
            dropped_receives,
            received,
            again,
            sent: [const { AtomicUsize::new(0) }; SOURCES],
            seen: [const { [const { AtomicU32::new(0) }; ROUNDS * QUOTA] }; SOURCES],
        })
    }

    fn send(&self, sender: &Sender<[u64; 2]>, source: usize) -> Result<(), String> {
        let mut random = Random::new(source as u64);
        block_on(async {
            for number in 0.. {
                while self.senders_rest.load(Ordering::Acquire)
                    || number == self.limit.load(Ordering::Acquire)
                {
                    if self.over.is_open() {
                        return Ok(());
                    }
                    thread::yield_now();
                }
                let message = [source, number].map(|part| part as u64);
                let send = async || sender.send_async(message).await;
                let sent = persist(&mut random, &self.dropped_sends, send).await;
                expect("the send", sent, Ok(()))?;
                self.sent[source].store(number + 1, Ordering::Release);
            }
            Ok(())
        })
    }

    fn receive(&self, receiver: &Receiver<[u64; 2]>, take: Take, seed: u64) -> Result<(), String> {
        let mut random = Random::new(seed);
        block_on(async {
            loop {
                while self.receivers_rest.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                match take(self, receiver, &mut random).await {
                    Ok(()) => _ = self.received.fetch_add(1, Ordering::Release),
                    Err(RecvError::Disconnected) => return Ok(()),
                    Err(other) => return Err(other.to_string()),
                }
            }
        })
    }

    fn note(&self, [source, number]: [u64; 2]) {
        self.seen[source as usize][number as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until `count` has grown by so many.
    fn grows(&self, what: &str, count: &AtomicU32, by: u32) -> Result<(), String> {
        let enough = count.load(Ordering::Acquire) + by;
        let grown = until(Instant::now() + STUCK, || count.load(Ordering::Acquire) >= enough);
        grown.then_some(()).ok_or_else(|| format!("{what}: not {by} more"))
    }

    /// One side drops its futures, while the other one rests.
    fn drops(&self, what: &str, rest: &AtomicBool, dropped: &AtomicU32) -> Result<(), String> {
        rest.store(true, Ordering::Release);
        let grown = self.grows(what, dropped, DROPS);
        rest.store(false, Ordering::Release);
        grown
    }
}

type Take = for<'a> fn(
    &'a Ledger,
    &'a Receiver<[u64; 2]>,
    &'a mut Random,
) -> Pin<Box<dyn Future<Output = Result<(), RecvError>> + 'a>>;

fn receive<'a>(
    ledger: &'a Ledger,
    receiver: &'a Receiver<[u64; 2]>,
    random: &'a mut Random,
) -> Pin<Box<dyn Future<Output = Result<(), RecvError>> + 'a>> {
    Box::pin(async move {
        let recv = async || receiver.recv_async().await;
        persist(random, &ledger.dropped_receives, recv).await.map(|message| ledger.note(message))
    })
}

fn lease<'a>(
    ledger: &'a Ledger,
    receiver: &'a Receiver<[u64; 2]>,
    random: &'a mut Random,
) -> Pin<Box<dyn Future<Output = Result<(), RecvError>> + 'a>> {
    Box::pin(async move {
        let lease = async || receiver.lease_async().await;
        let task = persist(random, &ledger.dropped_receives, lease).await?;
        ledger.again.fetch_add((task.attempts() > 1).into(), Ordering::Relaxed);
        ledger.note(*task);
        task.done();
        Ok(())
    })
}

/// Senders and receivers that drop their futures, killed by turns and replaced. What a
/// send or a receive of the dead did is its death's; all else is there once.
fn killed_at_random(take: Take, leases: bool) -> Result<String, String> {
    let ledger = Ledger::new();
    let (sender, receiver) = queue(3).map_err(|e| e.to_string())?;
    let send = |source| fork(|| ledger.send(&sender, source));
    let receive = |seed| fork(|| ledger.receive(&receiver, take, seed));
    let mut senders = [0, 1].map(send);
    let mut receivers = [100, 101].map(receive);
    let mut random = Random::new(1);
    let (mut killed_senders, mut killed_receivers) = (Vec::new(), 0);
    let mut sources = [0, 1];
    for round in 0..ROUNDS {
        ledger.limit.store((round + 1) * QUOTA, Ordering::Release);
        ledger.drops("dropped sends", &ledger.receivers_rest, &ledger.dropped_sends)?;
        ledger.grows("messages", &ledger.received, random.below(QUOTA as u64) as u32 / 2)?;
        let desk = round / 2 % DESKS;
        if round % 2 == 0 {
            kill(&senders[desk]);
            killed_senders.push(sources[desk]);
            sources[desk] = DESKS + round;
            senders[desk] = send(sources[desk]);
        } else {
            kill(&receivers[desk]);
            killed_receivers += 1;
            receivers[desk] = receive(round as u64);
        }
        ledger.drops("dropped receives", &ledger.senders_rest, &ledger.dropped_receives)?;
    }
    ledger.over.open();
    senders.iter().try_for_each(|sender| finish("a sender", sender))?;
    drop(sender);
    receivers.iter().try_for_each(|receiver| finish("a receiver", receiver))?;

    let (mut missing, mut twice) = (0, 0);
    for (source, seen) in ledger.seen.iter().enumerate() {
        let sent = ledger.sent[source].load(Ordering::Acquire);
        // The last one of the dead was sent or was not.
        let may_be = sent + usize::from(killed_senders.contains(&source));
        for (number, seen) in seen.iter().enumerate() {
            let seen = seen.load(Ordering::Relaxed);
            let is_sent = number < sent || number < may_be && seen > 0;
            match seen {
                0 if is_sent => missing += 1,
                1.. if !is_sent => return Err(format!("{number} of {source} was not sent")),
                2.. => twice += seen - 1,
                _ => {}
            }
        }
    }
    let again = ledger.again.load(Ordering::Relaxed);
    let most = if leases { [0, killed_receivers] } else { [killed_receivers, 0] };
    let is_right = missing <= most[0] && twice <= most[1] && again <= most[1];
    let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
    let [received, sends, receives] =
        [&ledger.received, &ledger.dropped_sends, &ledger.dropped_receives].map(of);
    let told = format!(
        "{received} messages, {sends} sends and {receives} receives dropped, {ROUNDS} processes \
         killed: {missing} missing, {twice} twice, {again} again"
    );
    if is_right { Ok(format!("ok, {told}")) } else { Err(told) }
}

/// Nobody is killed, and both ends have one user.
fn of_a_pipe() -> Result<String, String> {
    const MESSAGES: u64 = 5_000;
    let dropped = Arc::new(Mapped::new([const { AtomicU32::new(0) }; 2]));
    let (mut sender, mut receiver) =
        PipeBuilder::new().capacity(64).pipe::<u64>().map_err(|e| e.to_string())?;
    let its = Arc::clone(&dropped);
    let child = process::spawn(move || {
        let mut random = Random::new(1);
        block_on(async {
            for number in 0..MESSAGES {
                let send = async || sender.send_async(number).await;
                persist(&mut random, &its[0], send).await.map_err(|e| e.to_string())?;
            }
            Ok::<(), String>(())
        })
    });
    let child = child.map_err(|e| e.to_string())?;
    let mut random = Random::new(2);
    let received: Result<Vec<u64>, RecvError> = block_on(async {
        let mut received = Vec::new();
        loop {
            let recv = async || receiver.recv_async().await;
            match persist(&mut random, &dropped[1], recv).await {
                Ok(number) => received.push(number),
                Err(RecvError::Disconnected) => return Ok(received),
                Err(other) => return Err(other),
            }
        }
    });
    expect("the sender", child.join(), Ok(Ok(())))?;
    expect("all of them in their order", received, Ok((0..MESSAGES).collect()))?;
    let [sends, receives] = [0, 1].map(|side: usize| dropped[side].load(Ordering::Relaxed));
    expect("some were dropped", sends > 0 || receives > 0, true)?;
    Ok(format!("ok, {sends} sends and {receives} receives dropped"))
}

/// Waits that end early take no wake from others, nor does one who is killed in such a
/// wait. Whoever waits is seen to have dropped futures in each round, and then comes
/// through with the one `set`.
fn of_an_event() -> Result<String, String> {
    const TIMES: u32 = 60;
    let [ask, answer] = [Event::new(), Event::new()].map(|event| event.expect("memory"));
    let dropped = Mapped::new([const { AtomicU32::new(0) }; 2]);
    let victim = |seed| {
        let (ask, dropped) = (&ask, &dropped[1]);
        fork(move || {
            let mut random = Random::new(seed);
            block_on(async {
                loop {
                    let wait = async || ask.wait_async().await;
                    persist(&mut random, dropped, wait).await.map_err(|e| e.to_string())?;
                }
            })
        })
    };
    let waits = fork(|| {
        let mut random = Random::new(0);
        block_on(async {
            for _ in 0..TIMES {
                let wait = async || ask.wait_async().await;
                persist(&mut random, &dropped[0], wait).await.map_err(|e| e.to_string())?;
                ask.clear();
                answer.set();
            }
            Ok(())
        })
    });
    for round in 0..TIMES {
        let other = (round % 4 == 0).then(|| victim(round.into()));
        for dropped in &dropped[..=usize::from(other.is_some())] {
            let enough = dropped.load(Ordering::Relaxed) + 2;
            let seen = || dropped.load(Ordering::Relaxed) >= enough;
            expect("futures are dropped", until(Instant::now() + STUCK, seen), true)?;
        }
        if let Some(other) = other {
            kill(&other);
        }
        ask.set();
        expect("it comes through", answer.wait_timeout(STUCK), true)?;
        answer.clear();
    }
    finish("who waits", &waits)?;
    let [waits, killed] = [0, 1].map(|who: usize| dropped[who].load(Ordering::Relaxed));
    Ok(format!("ok, {TIMES} times, {waits} waits dropped, {killed} of those who are killed"))
}

/// Its value comes once, however many futures did not wait for it, and so does the news
/// of its death.
fn of_a_child() -> Result<String, String> {
    let dropped = AtomicU32::new(0);
    let mut random = Random::new(3);
    for round in 0..40_u32 {
        let may_end = gate();
        let its = Arc::clone(&may_end);
        let mut child = process::spawn(move || {
            its.pass();
            round
        })
        .map_err(|e| e.to_string())?;
        let is_killed = round % 2 == 1;
        let joined = block_on(async {
            for _ in 0..3 {
                let early = within(random.below(3), child.join_async()).await;
                expect("before its end", early, None)?;
            }
            if is_killed {
                child.kill().map_err(|e| e.to_string())?;
            } else {
                may_end.open();
            }
            Ok::<_, String>(persist(&mut random, &dropped, async || child.join_async().await).await)
        })?;
        let expected = if is_killed { Err(JoinError::Signalled(9)) } else { Ok(round) };
        expect("the end", &joined, &expected)?;
        // The value is gone; the news of a death stays.
        let again = if is_killed { expected } else { Err(JoinError::Taken) };
        expect("once more", block_on(child.join_async()), again)?;
    }
    Ok(format!("ok, {} joins dropped after the end", dropped.load(Ordering::Relaxed)))
}
