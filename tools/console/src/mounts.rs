//! What is mounted, as the kernel tells it: a console that begins anew finds the destinations of the one before.

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mounted {
    /// Device node.
    pub device: String,
    /// Where it is mounted.
    pub folder: String,
    /// It can be written.
    pub is_writable: bool,
}

/// Reads /proc/self/mounts, the file system that was mounted first at the beginning. What has a name that no screen can show
/// is left out.
#[must_use]
pub fn of_table(table: &str) -> Vec<Mounted> {
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (device, folder) = (unescaped(fields.next()?)?, unescaped(fields.next()?)?);
            let is_writable = fields.nth(1)?.split(',').any(|option| option == "rw");
            device.starts_with("/dev/").then_some(Mounted { device, folder, is_writable })
        })
        .collect()
}

/// A field of `proc_pid_mounts(5)`: blanks and the like stand there as a backslash and three octal digits.
fn unescaped(field: &str) -> Option<String> {
    let mut parts = field.split('\\');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(3)?;
        bytes.push(u8::from_str_radix(code, 8).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_with_their_folders_and_whether_they_can_be_written() {
        let table = "proc /proc proc rw 0 0\n\
                     /dev/sdb1 /mnt/a\\040b ext4 rw,nosuid,nodev 0 0\n\
                     /dev/sdc1 /mnt/sdc1 exfat ro,nosuid 0 0\n\
                     /dev/sdd1 /mnt/\\033[2J exfat rw 0 0\n\
                     /dev/sde1 /mnt/\\9 exfat rw 0 0\n\
                     broken\n";
        let told: Vec<_> = of_table(table)
            .into_iter()
            .map(|mounted| (mounted.device, mounted.folder, mounted.is_writable))
            .collect();
        assert_eq!(
            told,
            [
                ("/dev/sdb1".to_owned(), "/mnt/a b".to_owned(), true),
                ("/dev/sdc1".to_owned(), "/mnt/sdc1".to_owned(), false)
            ]
        );
    }
}
