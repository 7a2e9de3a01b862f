//! One name, and everything that may be done with it, against a model.

use killproof::sync::Value;
use killproof::{Named, Shared};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseResult;

use crate::name::Name;

#[derive(Clone, Debug)]
enum Step {
    Create(u64),
    Open,
    OpenOrCreate(u64),
    /// Lets go of one of the handles.
    Drop(usize),
    Set(usize, u64),
    Unlink,
    Prune,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u64>().prop_map(Step::Create),
        3 => any::<()>().prop_map(|()| Step::Open),
        3 => any::<u64>().prop_map(Step::OpenOrCreate),
        6 => any::<usize>().prop_map(Step::Drop),
        2 => any::<(usize, u64)>().prop_map(|(handle, value)| Step::Set(handle, value)),
        1 => any::<()>().prop_map(|()| Step::Unlink),
        2 => any::<()>().prop_map(|()| Step::Prune),
    ]
}

/// What was made, in order; which of them has the name; and of which there are handles.
#[derive(Default)]
struct Model {
    values: Vec<u64>,
    named: Option<usize>,
    handles: Vec<(usize, Shared<Value<u64>>)>,
}

impl Model {
    fn is_used(&self) -> bool {
        self.handles.iter().any(|(which, _)| Some(*which) == self.named)
    }

    fn made(&mut self, value: u64, handle: Shared<Value<u64>>) {
        self.named = Some(self.values.len());
        self.handles.push((self.values.len(), handle));
        self.values.push(value);
    }

    fn perform(&mut self, step: Step, named: &Named) -> TestCaseResult {
        match step {
            Step::Create(value) => match named.create_shared(Value::new(value)) {
                Ok(handle) => {
                    prop_assert!(!self.is_used());
                    self.made(value, handle);
                }
                Err(error) => prop_assert!(error.is_already_exists() && self.is_used()),
            },
            Step::Open => match (named.open_shared(), self.named) {
                (Ok(handle), Some(which)) => self.handles.push((which, handle)),
                (Err(error), None) => prop_assert!(error.is_not_found()),
                (opened, which) => prop_assert!(false, "{opened:?}, {which:?}"),
            },
            Step::OpenOrCreate(value) => {
                let handle = named.open_or_create_shared(|| Value::new(value)).unwrap();
                match self.named {
                    Some(which) => self.handles.push((which, handle)),
                    None => self.made(value, handle),
                }
            }
            Step::Drop(which) if !self.handles.is_empty() => {
                let _ = self.handles.swap_remove(which % self.handles.len());
            }
            Step::Set(which, value) if !self.handles.is_empty() => {
                let (which, handle) = &self.handles[which % self.handles.len()];
                prop_assert_eq!(handle.set(value), Ok(()));
                self.values[*which] = value;
            }
            Step::Drop(_) | Step::Set(..) => {}
            Step::Unlink => match (named.unlink(), self.named.take()) {
                (Ok(()), Some(_)) => {}
                (Err(error), None) => prop_assert!(error.is_not_found()),
                (unlinked, which) => prop_assert!(false, "{unlinked:?}, {which:?}"),
            },
            Step::Prune => {
                let pruned = Named::prune().unwrap().iter().any(|name| name == named.name());
                prop_assert_eq!(pruned, self.named.is_some() && !self.is_used());
                if pruned {
                    self.named = None;
                }
            }
        }
        for (which, handle) in &self.handles {
            prop_assert_eq!(handle.get(), self.values[*which]);
        }
        let entries = Named::list().unwrap();
        let entry = entries.iter().find(|entry| entry.name() == named.name());
        prop_assert_eq!(entry.is_some(), self.named.is_some());
        prop_assert_eq!(entry.is_some_and(|entry| entry.is_used()), self.is_used());
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_name_is_as_the_model_says(steps in proptest::collection::vec(step(), 1..40)) {
        let name = Name::new("model");
        let named = name.named();
        let mut model = Model::default();
        for step in steps {
            model.perform(step, &named)?;
        }
    }
}
