//! What holds for every id and every clock.

use prefactor_pfid::{Generator, Partition, Pfid, Stem};
use proptest::prelude::*;

prop_compose! {
    fn any_pfid()(
        unix_ms in 0..=Stem::MAX_TIMESTAMP_MS,
        partition in 0..=Partition::MAX.get(),
        random: [u8; 10],
    ) -> Pfid {
        let partition = Partition::new(partition).expect("in range");
        Pfid::from_parts(unix_ms, partition, random).expect("in range")
    }
}

proptest! {
    #[test]
    fn text_and_bytes_lead_back_to_the_id(id in any_pfid()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        prop_assert_eq!(Pfid::from_bytes(&id.to_bytes()), Ok(id));
        prop_assert_eq!(id.stem().with_partition(id.partition()), id);
    }

    #[test]
    fn a_stem_writes_what_its_id_writes(id in any_pfid()) {
        let (text, stem) = (id.encode(), id.stem().encode());

        prop_assert_eq!(&text[..10], &stem[..10]);
        prop_assert_eq!(&text[16..], &stem[10..]);
    }

    #[test]
    fn ids_and_texts_sort_alike(a in any_pfid(), b in any_pfid()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}|[0-9a-zA-Z]{32}") {
        if let Ok(id) = text.parse::<Pfid>() {
            prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn ids_grow_under_any_clock(times in prop::collection::vec(prop_oneof![0..9_u64, any::<u64>()], 1..200)) {
        let mut generator = Generator::system();

        let stems: Vec<_> = times.iter().map(|unix_ms| generator.next_stem_at(*unix_ms)).collect();

        prop_assert!(stems.is_sorted_by(|a, b| a < b));
    }
}
