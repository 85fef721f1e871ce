#!/usr/bin/env python3
"""Runs test/vectors/ against reader.py: a line for each vector that fails, then how many passed and failed."""
import json
import sys
from pathlib import Path

import nacl.bindings as sodium

import reader

VECTORS = Path(__file__).parent.parent / 'vectors'


def vectors(name):
    file = json.loads((VECTORS / name).read_bytes())
    assert file['format'] == reader.FORMAT
    return file['vectors']


def outcome(run):
    try:
        return {'value': run()}
    except reader.Refused as refused:
        return {'error': str(refused)}


def as_json(value):
    """A text that is the same for values that are the same JSON: true is not 1, and 1 is 1.0."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


def without(members, *names):
    return {k: v for k, v in members.items() if k not in names}


def secret_of(identity, kind):
    """The X25519 secret that the vector's hexadecimal stands for; `identity` was read from its text."""
    secret = bytes.fromhex(identity['secret'])
    if kind == 'vault':
        return reader.identity_of_seed(secret).secret
    if kind == 'age':
        return secret
    return sodium.crypto_sign_ed25519_sk_to_curve25519(sodium.crypto_sign_seed_keypair(secret)[1])


def texts_of(documents):
    return documents['item'].encode(), documents['keys'].encode()


def opening(v):
    identity = reader.read_identity(v['identity']['text'])
    assert identity.secret == secret_of(v['identity'], v['identity']['type'])
    texts = {int(number): text.encode() for number, text in v['rosters'].items()}
    audiences = {v['audience']['name']: texts_of(v['audience'])} if 'audience' in v else {}
    return reader.open_item(
        v['vault'], v['item'], v['field'], identity, *texts_of(v['documents']), texts.get, v['pin'], v['seen_generation'],
        v['reader'], audiences.get)


def seed(v):
    """What keys.json says about a seed, by way of its identity file and of its public lines."""
    identity = reader.read_identity(v['secret_line'])
    assert identity == reader.identity_of_seed(bytes.fromhex(v['seed']))
    sealing, sealing_line = reader.sealing_key(v['sealing_line'])
    signing, signing_line = reader.signing_key(v['signing_line'])
    assert (sealing, signing) == (identity.x25519, identity.ed25519)
    return {
        'sealing_line': sealing_line, 'signing_line': signing_line,
        'x25519': identity.x25519.hex(), 'ed25519': identity.ed25519.hex(),
        'fingerprint': reader.fingerprint(identity.x25519),
        'signing_fingerprint': reader.b64(reader.H(b'iam-vault/1 ed25519 ' + identity.ed25519)),
    }


def sealing(v):
    key, line = reader.sealing_key(v['line'])
    kind = {'v': 'vault', 's': 'ssh-ed25519', 'a': 'age'}[line[0]]
    return {'canonical': line, 'type': kind, 'x25519': key.hex(), 'fingerprint': reader.fingerprint(key)}


def protected(v):
    identity = reader.read_identity(v['line'], lambda: v['passphrase'])
    return identity.x25519.hex()


def protected_expect(expect):
    if 'error' in expect:
        return expect
    x25519 = reader.identity_of_seed(bytes.fromhex(expect['seed'])).x25519
    assert x25519 == reader.sealing_key(expect['sealing_line'])[0]
    return {'value': x25519.hex()}


PARSERS = {'sealing': reader.sealing_key, 'signing': reader.signing_key, 'identity': reader.read_identity}


def cases():
    """(name, what to run, what is expected) of every vector."""
    for v in vectors('open.json') + vectors('broken.json') + vectors('refreshers.json') + vectors('audiences.json'):
        yield v['name'], lambda v=v: opening(v), v['expect']
    keys = vectors('keys.json')
    for v in keys['seeds']:
        yield f"seed {v['seed']}", lambda v=v: seed(v), {'value': without(v, 'seed', 'secret_line')}
    for v in keys['sealing']:
        yield f"sealing: {v['name']}", lambda v=v: sealing(v), {'value': without(v, 'name', 'line')}
    for v in keys['bad']:
        yield f"bad {v['kind']}: {v['name']}", lambda v=v: PARSERS[v['kind']](v['line']), {'error': v['error']}
    for v in vectors('protected.json'):
        yield f"protected: {v['name']}", lambda v=v: protected(v), protected_expect(v['expect'])


def main():
    passed = failed = 0
    for name, run, expected in cases():
        try:
            got = as_json(outcome(run))
        except Exception as error:  # a fault of the reader is a failure of this vector, not the end of the run
            got = f'{type(error).__name__}: {error}'
        if got == as_json(expected):
            passed += 1
        else:
            failed += 1
            print(f'{name}: expected {as_json(expected)[:200]}, got {got[:200]}')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
