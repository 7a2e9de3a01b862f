//! iceoryx2: publish and subscribe, lossless, in its way for those who cannot sleep: who
//! has nothing to do asks again.
//!
//! For deaths it is used as its documentation says: every process has a node, and who
//! waits calls `try_cleanup_dead_nodes` every 10 ms, and looks whether the service still
//! has a publisher. A publisher waits for room (`RetryUntilDelivered`), in a dead
//! subscriber's buffer until somebody has cleaned up.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{
    BackpressureStrategy, LogLevel, Node, NodeBuilder, PortFactory, ServiceName,
    SignalHandlingMode, ipc, set_log_level,
};
use iceoryx2::service::port_factory::publish_subscribe;

use crate::channel::{CAPACITY, Channel, Missing, Receiver, Sender};
use crate::common::trips::wait;
use crate::message::Message;

/// How often who waits looks after the dead.
const CLEANUP: Duration = Duration::from_millis(10);
/// Looks between two at the clock.
const LOOKS: u32 = 4096;

type Service<const WORDS: usize> = publish_subscribe::PortFactory<ipc::Service, Message<WORDS>, ()>;

/// A name; each process opens the service for itself.
pub struct Iceoryx<const WORDS: usize>(ServiceName, PhantomData<Message<WORDS>>);

impl<const WORDS: usize> Channel<WORDS> for Iceoryx<WORDS> {
    type Sender = Publishing<WORDS>;
    type Receiver = Subscribed<WORDS>;

    fn new() -> Result<Self, Missing> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        set_log_level(LogLevel::Fatal);
        let name = format!("killproof-compare/{}/{number}", std::process::id());
        let name = ServiceName::new(&name).map_err(|error| Missing(format!("{error:?}")))?;
        Ok(Iceoryx(name, PhantomData))
    }

    fn sender(&self) -> Publishing<WORDS> {
        let (node, service) = self.open();
        let builder = service.publisher_builder();
        let builder = builder.backpressure_strategy(BackpressureStrategy::RetryUntilDelivered);
        let publisher = builder.create().expect("a publisher");
        Publishing { publisher, _node: node }
    }

    fn receiver(&self) -> Subscribed<WORDS> {
        let (node, service) = self.open();
        let subscriber = service.subscriber_builder().create().expect("a subscriber");
        Subscribed { subscriber, service, node }
    }
}

impl<const WORDS: usize> Iceoryx<WORDS> {
    fn open(&self) -> (Node<ipc::Service>, Service<WORDS>) {
        let node = NodeBuilder::new()
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()
            .expect("a node");
        let service = node
            .service_builder(&self.0)
            .publish_subscribe::<Message<WORDS>>()
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(CAPACITY)
            .history_size(0)
            .open_or_create()
            .expect("a service");
        (node, service)
    }
}

pub struct Publishing<const WORDS: usize> {
    publisher: Publisher<ipc::Service, Message<WORDS>, ()>,
    /// What others tell by whether this process lives.
    _node: Node<ipc::Service>,
}

impl<const WORDS: usize> Sender<WORDS> for Publishing<WORDS> {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        let mut looks = 0;
        loop {
            let sample = self.publisher.loan_uninit().expect("a sample");
            if sample.write_payload(message).send().expect("connections") > 0 {
                return true;
            }
            // Also where a receiver has not given back enough of what it had.
            if looks == LOOKS {
                return false;
            }
            wait(&mut looks);
        }
    }
}

pub struct Subscribed<const WORDS: usize> {
    subscriber: Subscriber<ipc::Service, Message<WORDS>, ()>,
    service: Service<WORDS>,
    node: Node<ipc::Service>,
}

impl<const WORDS: usize> Receiver<WORDS> for Subscribed<WORDS> {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let (mut looks, mut cleaned) = (0, None);
        loop {
            if let Some(sample) = self.subscriber.receive().expect("connections") {
                return Some(*sample);
            }
            wait(&mut looks);
            if looks.is_multiple_of(LOOKS) && self.is_deserted(&mut cleaned) {
                return None;
            }
        }
    }
}

impl<const WORDS: usize> Subscribed<WORDS> {
    /// Cleans up after the dead, if it is time; whether no publisher is left.
    #[cold]
    fn is_deserted(&self, cleaned: &mut Option<Instant>) -> bool {
        if cleaned.get_or_insert_with(Instant::now).elapsed() < CLEANUP {
            return false;
        }
        *cleaned = None;
        self.node.try_cleanup_dead_nodes();
        self.service.dynamic_config().number_of_publishers() == 0
    }
}
