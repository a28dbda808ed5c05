//! Writes the seeds of the corpus anew: small files made by our own writers and by other people's programs.
#![forbid(unsafe_code)]

fn main() {
    fuzz::seeds::write();
}
