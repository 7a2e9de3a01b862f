//! `Value` and `Array` against variables.

use killproof::Shared;
use killproof::sync::{Array, Value};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};

const LEN: usize = 5;

proptest! {
    /// Three bytes are more than one atomic, four are one.
    #[test]
    fn a_value_is_a_variable(operations in vec(any::<(u8, [u8; 3], u32)>(), 0..60)) {
        let small = Shared::new(Value::new(0_u32)).unwrap();
        let large = Shared::new(Value::new([0_u8; 3])).unwrap();
        let (mut number, mut bytes) = (0_u32, [0_u8; 3]);
        for (operation, new, operand) in operations {
            let before = (number, bytes);
            match operation % 4 {
                0 => {
                    (number, bytes) = (operand, new);
                    small.set(operand).unwrap();
                    large.set(new).unwrap();
                }
                1 => {
                    (number, bytes) = (operand, new);
                    prop_assert_eq!(small.replace(operand).unwrap(), before.0);
                    prop_assert_eq!(large.replace(new).unwrap(), before.1);
                }
                2 => {
                    number ^= operand;
                    bytes.rotate_left(1);
                    prop_assert_eq!(small.update(|number| number ^ operand).unwrap(), before.0);
                    let rotate = |[a, b, c]: [u8; 3]| [b, c, a];
                    prop_assert_eq!(large.update(rotate).unwrap(), before.1);
                }
                _ => {
                    number = number.wrapping_add(operand);
                    prop_assert_eq!(small.fetch_add(operand).unwrap(), before.0);
                }
            }
            prop_assert_eq!((small.get(), large.get()), (number, bytes));
        }
    }

    #[test]
    fn arithmetic_is_the_integers(before in any::<i16>(), operand in any::<i16>()) {
        type Fetch = fn(&Value<i16>, i16) -> Result<i16, killproof::Error>;
        let each: [(Fetch, i16); 7] = [
            (Value::<i16>::fetch_add, before.wrapping_add(operand)),
            (Value::<i16>::fetch_sub, before.wrapping_sub(operand)),
            (Value::<i16>::fetch_max, before.max(operand)),
            (Value::<i16>::fetch_min, before.min(operand)),
            (Value::<i16>::fetch_and, before & operand),
            (Value::<i16>::fetch_or, before | operand),
            (Value::<i16>::fetch_xor, before ^ operand),
        ];
        for (fetch, after) in each {
            let value = Shared::new(Value::new(before)).unwrap();
            prop_assert_eq!(fetch(&value, operand), Ok(before));
            prop_assert_eq!(value.get(), after);
        }
    }

    #[test]
    fn an_array_is_a_slice(operations in vec(any::<(u8, usize, [u16; LEN])>(), 0..60)) {
        let array = Shared::new(Array::new([0_u16; LEN])).unwrap();
        let mut slice = [0_u16; LEN];
        for (operation, index, new) in operations {
            let index = index % LEN;
            match operation % 5 {
                0 => {
                    slice[index] = new[0];
                    array.set(index, new[0]).unwrap();
                }
                1 => {
                    slice[index..].copy_from_slice(&new[index..]);
                    array.set_slice(index, &new[index..]).unwrap();
                }
                2 => {
                    slice = new;
                    array.set_all(&new).unwrap();
                }
                3 => {
                    let before = slice[index];
                    slice[index] ^= new[0];
                    let xor = |element| element ^ new[0];
                    prop_assert_eq!(array.update(index, xor).unwrap(), before);
                }
                _ => {
                    slice.rotate_left(index);
                    array.update_all(|elements| elements.rotate_left(index)).unwrap();
                }
            }
            prop_assert_eq!(array.get_all(), slice);
            prop_assert_eq!(array.get(index), slice[index]);
        }
    }
}

#[test]
fn unplaced_they_can_be_read_and_not_changed() {
    let (small, large, array) = (Value::new(1_u8), Value::new([1_u64; 2]), Array::new([1_u8; 2]));
    assert_eq!((small.get(), large.get(), array.get_all()), (1, [1; 2], [1; 2]));
    assert!(small.set(2).unwrap_err().is_unplaced());
    assert!(small.fetch_add(1).unwrap_err().is_unplaced());
    assert!(large.set([2; 2]).unwrap_err().is_unplaced());
    assert!(array.set(0, 2).unwrap_err().is_unplaced());
    assert_eq!((small.get(), large.get(), array.get_all()), (1, [1; 2], [1; 2]));
    let shown = format!("{small:?} {large:?} {array:?}");
    assert_eq!(shown, "Value(unplaced) Value(unplaced) Array(unplaced)");
}

#[test]
fn they_show_their_value() {
    let (value, array) =
        (Shared::new(Value::new(1_u8)).unwrap(), Shared::new(Array::new([1_u8, 2])).unwrap());
    assert_eq!(format!("{:?}", *value), "Value { value: 1, writer: nobody, .. }");
    assert_eq!(format!("{:?}", *array), "Array { values: [1, 2], writer: nobody, .. }");
}

#[test]
fn a_change_that_panics_changes_nothing() {
    let value = Shared::new(Value::new([1_u64; 3])).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        value.update(|_| panic!("as planned"))
    }));
    assert!(panicked.is_err());
    assert_eq!(value.get(), [1; 3]);
    assert_eq!(value.set([2; 3]), Ok(()));
}

#[test]
#[should_panic(expected = "out of range")]
fn past_the_end_is_a_panic_as_with_slices() {
    let array = Shared::new(Array::new([0_u8; 4])).unwrap();
    let _ = array.set_slice(3, &[1, 2]);
}
