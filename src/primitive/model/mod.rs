//! The model of the machine.
