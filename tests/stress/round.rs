//! A round: workers who use a new world, and a parent who kills and stops them
//! and puts others in their place. Afterwards everything must be accounted for.

use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::STUCK;
use crate::common::child::{Child, fork};
use crate::common::random::Random;
use crate::desk::{DESKS, Doing};
use crate::ledger::Totals;
use crate::linear::Order;
use crate::parcel::{Label, Parcel};
use crate::worker::{Trade, Worker};
use crate::world::{Build, Taking, World};

/// How many messages are taken after the last kill before the round may end.
const AFTERWARDS: u64 = 200;

/// How often to look whether somebody begins an operation: for as long as a few
/// of them take.
const LOOKS: u32 = 500;

/// One desk with whoever sits at it.
struct Place {
    child: Child,
    desk: usize,
    trade: Trade,
    /// When it may go on, if it is stopped.
    stopped: Option<Instant>,
}

/// What happened in some rounds.
#[derive(Default)]
pub struct Toll {
    pub rounds: u64,
    pub kills: u64,
    pub stops: u64,
    pub totals: Totals,
}

/// How the workers learn that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Closed,
    /// The last sender goes.
    Deserted,
    /// The queue stays as it is; each receiver is told by a message.
    Told,
}

struct Round<'a, T: Parcel> {
    world: &'a World<T>,
    random: &'a mut Random,
    places: Vec<Place>,
    /// Workers so far; the next one's number.
    hired: u64,
    toll: &'a mut Toll,
}

/// Plays one round of about `time`.
pub fn play<T: Parcel>(
    random: &mut Random,
    taking: Taking,
    queue: (Order, Build<T>),
    time: Duration,
    toll: &mut Toll,
) -> Result<(), String> {
    let world = World::<T>::new(random, taking, queue)?;
    let mut round = Round { world: &world, random, places: Vec::new(), hired: 0, toll };
    let workers = 4 + round.random.below(DESKS as u64 - 4) as usize;
    for desk in 0..workers {
        let trade = if desk % 2 == 0 { Trade::Sender } else { Trade::Receiver };
        let place = round.hire(desk, trade);
        round.places.push(place);
    }
    let end = Instant::now() + time;
    while Instant::now() < end && !world.ledger.is_long() {
        thread::sleep(Duration::from_micros(round.random.below(1500)));
        round.disturb()?;
        round.replace_who_ended(|_| true)?;
    }
    round.go_on_afterwards()?;
    round.finish()?;
    let totals = world.check()?;
    round.toll.totals.add(&totals);
    round.toll.rounds += 1;
    Ok(())
}

impl<T: Parcel> Round<'_, T> {
    fn hire(&mut self, desk: usize, trade: Trade) -> Place {
        self.hired += 1;
        let random = Random::new(self.random.next());
        let (world, number) = (self.world, self.hired);
        let child = fork(|| Worker::new(world, &world.desks[desk], number, random).work(trade));
        Place { child, desk, trade, stopped: None }
    }

    /// Kills somebody, or stops somebody for a while, or lets somebody go on.
    fn disturb(&mut self) -> Result<(), String> {
        let now = Instant::now();
        for place in &mut self.places {
            if place.stopped.is_some_and(|until| until < now) {
                place.go_on();
            }
        }
        let count = self.places.len();
        let first = if self.random.one_in(4) { self.anybody() } else { self.who_runs() };
        if self.random.one_in(4) {
            let while_stopped = Duration::from_micros(self.random.below(30_000));
            self.places[first].child.send(Signal::STOP);
            self.places[first].stopped = Some(now + while_stopped);
            self.toll.stops += 1;
            return Ok(());
        }
        // Now and then several of one trade, or all of it, or of both.
        let (victims, step) = match self.random.below(16) {
            0 => (count.div_ceil(2), 2),
            1 => (1 + self.random.below(count as u64) as usize, 1),
            _ => (1, 1),
        };
        let victims: Vec<usize> = (0..victims).map(|n| (first + n * step) % count).collect();
        self.kill(&victims)
    }

    fn anybody(&mut self) -> usize {
        self.random.below(self.places.len() as u64) as usize
    }

    /// Somebody who runs, if there is one: most of them sleep or wait for a CPU at
    /// any moment, between two operations or outside of a slot.
    fn who_runs(&mut self) -> usize {
        let world = self.world;
        let mut index = self.anybody();
        for _ in 0..2 * self.places.len() {
            let desk = &world.desks[self.places[index].desk];
            let before = desk.beat();
            if (0..LOOKS).any(|_| {
                hint::spin_loop();
                desk.beat() != before
            }) {
                return index;
            }
            index = self.anybody();
        }
        index
    }

    /// Kills them at once, then puts others in their place.
    fn kill(&mut self, victims: &[usize]) -> Result<(), String> {
        for index in victims {
            self.places[*index].child.kill();
        }
        for index in victims {
            let Place { child, desk, trade, .. } = &self.places[*index];
            let (desk, trade) = (*desk, *trade);
            if !child.ended(Instant::now() + STUCK) {
                return Err("outlives SIGKILL".into());
            }
            self.write_off(desk)?;
            self.toll.kills += 1;
            self.places[*index] = self.hire(desk, trade);
        }
        Ok(())
    }

    /// What the dead worker at this desk may have taken along.
    fn write_off(&self, desk: usize) -> Result<(), String> {
        let (words, ledger) = (&self.world.desks[desk], &self.world.ledger);
        ledger.may_be_lost(u64::from(words.was(Doing::Receiving)));
        ledger.may_be_added(u64::from(words.was(Doing::Adding)));
        words.finished().map_or(Ok(()), |id| ledger.excused(id))
    }

    /// Whoever went is replaced, if `wanted`; whoever has found something wrong
    /// ends the round.
    fn replace_who_ended(&mut self, wanted: impl Fn(Trade) -> bool) -> Result<(), String> {
        let mut index = 0;
        while let Some(Place { child, desk, trade, .. }) = self.places.get(index) {
            let (desk, trade) = (*desk, *trade);
            if !child.ended(Instant::now()) {
                index += 1;
                continue;
            }
            child.result(child.reap()).map_err(|reason| format!("a {trade:?}: {reason}"))?;
            if wanted(trade) {
                self.places[index] = self.hire(desk, trade);
            } else {
                self.places.remove(index);
            }
        }
        Ok(())
    }

    /// After the last kill the work goes on, before anybody learns that it is
    /// over.
    fn go_on_afterwards(&mut self) -> Result<(), String> {
        self.places.iter_mut().for_each(Place::go_on);
        let enough = self.world.ledger.took() + AFTERWARDS;
        let deadline = Instant::now() + STUCK;
        while self.world.ledger.took() < enough {
            self.replace_who_ended(|_| true)?;
            self.wait(deadline, "nothing goes on after the last kill")?;
        }
        Ok(())
    }

    /// Everybody comes to an end.
    fn finish(&mut self) -> Result<(), String> {
        let world = self.world;
        let endings = [Ending::Closed, Ending::Deserted, Ending::Told, Ending::Told];
        let ending = endings[self.random.below(4) as usize];
        world.end();
        match ending {
            Ending::Closed => world.sender().close(),
            Ending::Deserted => world.drop_sender(),
            Ending::Told => {}
        }
        let deadline = Instant::now() + STUCK;
        while !self.places.is_empty() {
            // As long as there is a sender, somebody must receive.
            let sends = self.places.iter().any(|place| place.trade == Trade::Sender);
            self.replace_who_ended(|trade| sends && trade == Trade::Receiver)?;
            if ending == Ending::Told && !sends {
                let _ = world.sender().try_send(T::new(Label::HOME));
            }
            self.wait(deadline, "they do not come to an end")?;
        }
        if ending != Ending::Told {
            return world.drain(true);
        }
        world.drain(false)?;
        world.check_room()
    }

    fn wait(&self, deadline: Instant, reason: &str) -> Result<(), String> {
        thread::sleep(Duration::from_micros(200));
        if Instant::now() < deadline {
            return Ok(());
        }
        let who = |place: &Place| format!("{:?} {}", place.trade, place.child.whereabouts());
        let who: Vec<_> = self.places.iter().map(who).collect();
        Err(format!("{reason}: {who:?}"))
    }
}

impl Place {
    fn go_on(&mut self) {
        if self.stopped.take().is_some() {
            self.child.send(Signal::CONT);
        }
    }
}
