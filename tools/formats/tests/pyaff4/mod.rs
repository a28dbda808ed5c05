//! pyaff4 by the format's own authors, as reader and as writer, in an environment of its own.

use harness::python_venv::{PythonVenv, VenvPlan};
use std::path::Path;

/// pyaff4 asks for releases of 2019; it is installed without what it asks for, beside current ones.
const PLAN: VenvPlan = VenvPlan {
    name: "pyaff4",
    packages: &[
        "pyaff4==0.34",
        "aes-keywrap==17.12.1",
        "cffi==2.1.1",
        "cramjam==2.14.0",
        "cryptography==50.0.2",
        "expiringdict==1.2.2",
        "fastchunking==0.0.3",
        "future==1.0.0",
        "intervaltree==3.2.1",
        "isodate==0.7.2",
        "lz4==4.4.5",
        "passlib==1.7.4",
        "pycparser==3.12",
        "pycryptodome==4.4.0",
        "PyNaCl==1.6.2",
        "pyparsing==3.3.3",
        "python-dateutil==4.0.0",
        "python-snappy==0.7.3",
        "PyYAML==6.0.4",
        "rdflib==7.6.0",
        "six==1.17.0",
        "sortedcontainers==2.4.0",
        "tzlocal==5.4.5",
    ],
    // Encryption, which is not used here, imports it; the package itself does not install on current Pythons.
    modules: &[
        ("CryptoPlus/__init__.py", ""),
        ("CryptoPlus/Cipher/__init__.py", ""),
        ("CryptoPlus/Cipher/python_AES.py", ""),
    ],
};

fn run(source: &str, arguments: &[&str]) -> String {
    let venv = PythonVenv::obtain(&PLAN).unwrap();
    venv.program(&format!("import warnings\nwarnings.simplefilter('ignore')\n{source}"))
        .args(arguments)
        .run()
        .unwrap_or_else(|error| panic!("pyaff4: {error}"))
}

/// Writes the bytes of the image's data stream to a file.
const EXPORT: &str = "
import sys
from pyaff4 import container, rdfvalue
stream = container.Container.openURNtoContainer(rdfvalue.URN.FromFileName(sys.argv[1])).image.dataStream
with open(sys.argv[2], 'wb') as output:
    left = stream.Size()
    while left > 0:
        data = stream.Read(min(1 << 20, left))
        assert data, 'the stream ends %d bytes early' % left
        output.write(data)
        left -= len(data)
";

/// Compares block hashes, the hashes above them, and every linear hash that is stated of a map.
const VALIDATE: &str = "
import binascii, sys
from pyaff4 import aff4_image, block_hasher, container, data_store, hashes, lexicon, linear_hasher, rdfvalue, zip
# pyaff4 0.34 takes the number of a chunk in its stream for that in its bevy, which ends with the first bevy.
def stored_hash(self, chunk, kind):
    bevy, slot = divmod(chunk, self.chunks_per_segment)
    with self.resolver.AFF4FactoryOpen(self._get_block_hash_urn(bevy, kind)) as table:
        table.SeekRead(slot * hashes.length(kind))
        return hashes.newImmutableHash(binascii.hexlify(table.Read(hashes.length(kind))), kind)
aff4_image.AFF4PreSImage.readBlockHash = stored_hash
urn = rdfvalue.URN.FromFileName(sys.argv[1])
class Listener(block_hasher.ValidationListener):
    blocks = 0
    def onValidBlockHash(self, a):
        Listener.blocks += 1
block_hasher.Validator(Listener()).validateContainer(urn)
print('valid block hashes: %d' % Listener.blocks)
version, lex = container.Container.identifyURN(urn)
with data_store.MemoryDataStore(lex) as resolver:
    with zip.ZipFile.NewZipFile(resolver, version, urn) as volume:
        maps = list(resolver.QueryPredicateObject(volume.urn, lexicon.AFF4_TYPE, lex.map))
        stated = [(m, h) for m in maps for h in resolver.QuerySubjectPredicate(volume.urn, m, lex.hash)]
for arn, digest in stated:
    computed = linear_hasher.LinearHasher().hash(urn, arn, digest.datatype)
    assert computed == digest, '%s of %s' % (digest.datatype, arn)
    print('valid linear hash: %s %s' % (digest.datatype.split('#')[1], digest.value))
";

/// Writes a volume with one image stream and no map.
const WRITE: &str = "
import hashlib, sys
from pyaff4 import aff4_image, data_store, lexicon, rdfvalue, zip
from pyaff4.version import Version
source, target, method, chunk = sys.argv[1:]
data = open(source, 'rb').read()
urn = rdfvalue.URN.FromFileName(target)
with data_store.MemoryDataStore(lexicon.standard) as resolver:
    resolver.Set(lexicon.transient_graph, urn, lexicon.AFF4_STREAM_WRITE_MODE, rdfvalue.XSDString('truncate'))
    version = Version(1, 0, 'pyaff4')
    with zip.ZipFile.NewZipFile(resolver, version, urn) as volume:
        with volume.CreateMember(volume.urn.Append('version.txt')) as member:
            member.Write(b'major=1\\nminor=0\\ntool=pyaff4\\n')
        stream, image = volume.urn.Append('stream'), volume.urn.Append('image')
        with aff4_image.AFF4Image.NewAFF4Image(resolver, stream, volume.urn) as written:
            written.chunk_size = int(chunk)
            written.chunks_per_segment = 16
            written.setCompressionMethod(method)
            written.Write(data)
        for kind in ('Image', 'ContiguousImage', 'DiskImage'):
            resolver.Add(volume.urn, image, lexicon.AFF4_TYPE, rdfvalue.URN(lexicon.standard.base + kind))
        resolver.Add(volume.urn, image, lexicon.standard.dataStream, rdfvalue.URN(stream))
        digest = rdfvalue.SHA1Hash(hashlib.sha1(data).hexdigest())
        resolver.Add(volume.urn, image, rdfvalue.URN(lexicon.standard.hash), digest)
";

/// The bytes of the image as pyaff4 reads them.
pub fn export(image: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("export");
    run(EXPORT, &[image.to_str().unwrap(), target.to_str().unwrap()]);
    std::fs::read(target).unwrap()
}

/// What pyaff4 says when it compares every hash in the image; fails where one does not fit.
pub fn validate(image: &Path) -> String {
    run(VALIDATE, &[image.to_str().unwrap()])
}

/// Lets pyaff4 write an image of `media`.
pub fn write(media: &Path, image: &Path, method: &str, chunk_size: u32) {
    run(WRITE, &[media.to_str().unwrap(), image.to_str().unwrap(), method, &chunk_size.to_string()]);
}
