//! Whether a source is the one that an earlier run read.

use evidence::{DeviceIdentity, Transport};

/// What tells two sources apart; `None` where they are proven to be the same.
pub fn difference(was: &DeviceIdentity, is: &DeviceIdentity) -> Option<String> {
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let is_file = |identity: &DeviceIdentity| matches!(identity.transport, Transport::File | Transport::Loop);
    let named =
        [("serial", &was.serial, &is.serial), ("WWN", &was.wwn, &is.wwn), ("model", &was.model, &is.model)];
    if was.capacity != is.capacity {
        return Some(format!("its capacity was {}, now it is {}", was.capacity, is.capacity));
    }
    if was.logical_sector != is.logical_sector {
        return Some("its sectors had another size".to_owned());
    }
    if is_file(was) || is_file(is) {
        return (was.path != is.path).then(|| format!("it was {}, now it is {}", was.path, is.path));
    }
    // A dock that is left out, or one that is put in, hides the WWN or shows it: then the serial decides.
    let differing = named.into_iter().find(|(_, was, is)| was.is_some() && is.is_some() && was != is);
    if let Some((name, was, is)) = differing {
        return Some(format!("its {name} was {}, now it is {}", said(was), said(is)));
    }
    let agree = |was: &Option<String>, is: &Option<String>| was.is_some() && was == is;
    let proven = agree(&was.serial, &is.serial) || agree(&was.wwn, &is.wwn);
    (!proven).then(|| "it has neither serial nor WWN by which it could be known again".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteCount, SectorSize};

    fn disk(serial: Option<&str>, wwn: Option<&str>) -> DeviceIdentity {
        DeviceIdentity {
            path: "/dev/sda".into(),
            make: None,
            model: Some("MODEL".into()),
            serial: serial.map(str::to_owned),
            wwn: wwn.map(str::to_owned),
            firmware: None,
            transport: Transport::Ata,
            capacity: ByteCount(1 << 30),
            logical_sector: SectorSize::S512,
            physical_sector: SectorSize::S512,
        }
    }

    #[test]
    fn a_disk_is_known_again_by_what_it_says_and_by_nothing_less() {
        let was = disk(Some("S1"), Some("naa.5"));
        assert_eq!(difference(&was, &DeviceIdentity { path: "/dev/sdq".into(), ..was.clone() }), None);
        assert_eq!(difference(&was, &disk(Some("S1"), None)), None, "behind a dock without a WWN");
        for (is, word) in [
            (disk(Some("S2"), Some("naa.5")), "serial"),
            (disk(Some("S1"), Some("naa.6")), "WWN"),
            (DeviceIdentity { capacity: ByteCount(1 << 29), ..was.clone() }, "capacity"),
            (DeviceIdentity { model: Some("OTHER".into()), ..was.clone() }, "model"),
            (DeviceIdentity { logical_sector: SectorSize::new(4096).unwrap(), ..was.clone() }, "sectors"),
            (disk(None, None), "neither serial nor WWN"),
        ] {
            let told = difference(&was, &is).unwrap_or_default();
            assert!(told.contains(word), "{word}: {told}");
        }
    }
}
