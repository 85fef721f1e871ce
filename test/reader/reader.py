#!/usr/bin/env python3
"""A reader of vaults, written from docs/format.md alone. Names of sections in comments are those of that page.

Needs Python 3.11 and PyNaCl 1.5 (pip install pynacl, or apt-get install python3-nacl). It is here to show that the
page is enough, not to be used: it keeps no state, so it trusts version 1 of a roster and cannot see a rollback; and
it leaves out OpenSSH keys under a passphrase.
"""
import argparse
import base64
import getpass
import hmac
import json
import re
import sys
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

FORMAT = 'iam-vault/1'

class Refused(Exception):
    """Something was refused; its text is one of the codes of the page."""

def refuse_unless(condition, code):
    if not condition:
        raise Refused(code)

# --- Notation -------------------------------------------------------------------------------------------------------

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()

def unb64(text):
    """The bytes, or None where the text is not exactly what encoding them gives."""
    try:
        data = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    except ValueError:
        return None
    return data if b64(data) == text else None

def sorted_members(value):
    return sorted(value.items(), key=lambda member: member[0].encode('utf-16-be'))

def jcs_text(value):
    """RFC 8785."""
    if isinstance(value, dict):
        return '{' + ','.join(f'{jcs_text(k)}:{jcs_text(v)}' for k, v in sorted_members(value)) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(jcs_text, value)) + ']'
    return number_text(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)

def number_text(value):
    """A double as ECMAScript writes it (RFC 8785, section 3.2.2.3): the shortest digits, as Python's repr finds them too."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = ''.join(map(str, digits)), len(digits) + exponent
    if value == 0:
        return '0'
    if 0 < point <= 21:
        text = text.ljust(point, '0') if len(text) <= point else f'{text[:point]}.{text[point:]}'
    elif -6 < point <= 0:
        text = '0.' + '0' * -point + text
    else:
        text = f'{text[0]}{"." if len(text) > 1 else ""}{text[1:]}e{point - 1:+d}'
    return '-' * sign + text

def jcs(value):
    return jcs_text(value).encode()

def H(data, key=b''):
    return blake2b(data, digest_size=32, key=key).digest()

def kdf(key, number, context):
    salt = number.to_bytes(8, 'little') + bytes(8)
    return blake2b(digest_size=32, key=key, salt=salt, person=context + bytes(8)).digest()

def aead_open(key, nonce, associated, ciphertext, code):
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, associated, nonce, key)
    except CryptoError:
        raise Refused(code) from None

def verifies(signature, value, public_key):
    try:
        return sodium.crypto_sign_open(unb64(signature) + jcs(value), public_key) is not None
    except CryptoError:
        return False

# --- Layout ---------------------------------------------------------------------------------------------------------

def parse_json(data):
    """The value of strict JSON, and whether an object in it has a key twice; else ValueError."""
    repeated = False

    def pairs(members):
        nonlocal repeated
        repeated = repeated or len(dict(members)) < len(members)
        return dict(members)

    def number(digits):  # a double, as in RFC 8785; an int where it is one below 2^53
        value = float(digits)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def constant(name):
        raise ValueError(f'{name} is not JSON')

    try:
        hooks = {'parse_int': number, 'parse_float': number, 'parse_constant': constant}
        return json.loads(data.decode(), object_pairs_hook=pairs, **hooks), repeated
    except RecursionError:
        raise ValueError('too deep') from None

def layout(value, depth=1):
    if depth > 2 or not isinstance(value, (dict, list)) or not value:
        return jcs_text(value)
    start, end = '{}' if isinstance(value, dict) else '[]'
    if isinstance(value, dict):
        lines = [f'{jcs_text(k)}: {layout(v, depth + 1)}' for k, v in sorted_members(value)]
    else:
        lines = [jcs_text(v) for v in value]
    indent = '  ' * depth
    return f'{start}\n{indent}' + f',\n{indent}'.join(lines) + f'\n{indent[2:]}{end}'

def read_document(data, fits, format_at):
    try:
        document, repeated = parse_json(data)
    except ValueError:
        raise Refused('document-invalid') from None
    if not fits(document):
        for member in format_at:
            document = document.get(member) if isinstance(document, dict) else None
        other = isinstance(document, str) and document != FORMAT
        raise Refused('format-unsupported' if other else 'document-invalid')
    refuse_unless((layout(document) + '\n').encode() == data and not repeated, 'document-not-canonical')
    return document

# --- Schemas: functions that tell whether a value fits ----------------------------------------------------------------

def members(**schema):
    return lambda v: isinstance(v, dict) and v.keys() == schema.keys() and all(fits(v[k]) for k, fits in schema.items())

def each(fits, least=0, most=None):
    return lambda v: isinstance(v, list) and least <= len(v) <= (most or len(v)) and all(map(fits, v))

def encoded(least, most):
    def fits(v):
        data = unb64(v) if isinstance(v, str) else None
        return data is not None and least <= len(data) <= (most or len(data))
    return fits

def integer(least):
    return lambda v: type(v) is int and v >= least

def exactly(text):
    return lambda v: v == text

def is_text(v):
    return isinstance(v, str) and re.search('[\ud800-\udfff]', v) is None

def is_name(v):  # Names
    allowed = isinstance(v, str) and re.fullmatch(r'(?!\.)[A-Za-z0-9_.@+=,-]{1,128}', v)
    return bool(allowed) and v not in ('__proto__', 'constructor', 'prototype')

def is_item_name(v):
    return is_name(v) and not v.endswith('_keys')

def is_audience_name(v):
    return is_name(v) and re.fullmatch('audience-[0-9a-f]{32}', v) is not None

def is_time(v):
    if not is_text(v) or not re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z', v):
        return False
    try:
        return datetime.fromisoformat(v) is not None
    except ValueError:
        return False

def is_line_for(parse):
    def fits(v):
        try:
            return isinstance(v, str) and parse(v)[1] == v
        except Refused:
            return False
    return fits

def is_sorted(names):
    return all(a < b for a, b in zip(names, names[1:]))

# --- Keys -----------------------------------------------------------------------------------------------------------

BECH32, BECH32M = 1, 0x2BC830A3
LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

def bech32(line, kind, length, constant, longest):
    """The `length` bytes of a line of this type, in the case of its name; else None."""
    prefix, _, data = line.rpartition('1')
    if len(line) > longest or prefix != kind or kind.isupper() and not line.isupper():
        return None
    prefix, data = (prefix.lower(), data.lower()) if kind.isupper() else (prefix, data)
    if not set(data) <= set(LETTERS):
        return None
    values, check = [LETTERS.index(c) for c in data], 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    bits = ''.join(f'{v:05b}' for v in values[:-6])
    spare = bits[8 * length:]
    fits = check == constant and len(bits) >= 8 * length and len(spare) < 5 and '1' not in spare
    return int(bits[:8 * length], 2).to_bytes(length, 'big') if fits else None

def vault_key(line, kind, length):  # Keys as text
    data = bech32(line, kind, 1 + length, BECH32M, 256)
    return data[1:] if data is not None and data[0] == 1 else None

def ssh_strings(data, number):
    """`number` strings of RFC 4251, and what follows them."""
    strings = []
    for _ in range(number):
        end = 4 + int.from_bytes(data[:4], 'big')
        if len(data) < max(4, end):
            raise ValueError('too short')
        strings.append(data[4:end])
        data = data[end:]
    return strings, data

def ssh_line(line):
    """The Ed25519 key, and the line without comment."""
    kind, text, *_ = line.split() + ['', '']
    try:
        blob = base64.b64decode(text, validate=True)
        strings, rest = ssh_strings(blob, 2)
    except ValueError:
        raise Refused('key-invalid') from None
    exact = base64.b64encode(blob).decode() == text and rest == b''
    refuse_unless(exact and kind == 'ssh-ed25519' and strings[0] == kind.encode(), 'key-invalid')
    return ed25519_point(strings[1]), f'{kind} {text}'

def ed25519_point(key):
    refuse_unless(len(key) == 32 and sodium.crypto_core_ed25519_is_valid_point(key), 'key-invalid')
    return key

def sealing_key(text):
    """The X25519 key of a public line, and the line that stands for it."""
    line = text.strip()
    if line.startswith('ssh-'):
        key, line = ssh_line(line)
        return sodium.crypto_sign_ed25519_pk_to_curve25519(key), line
    key = vault_key(line, 'vaultseal', 32) or bech32(line, 'age', 32, BECH32, 100)
    refuse_unless(key is not None and int.from_bytes(key, 'little') < 2**255 - 19, 'key-invalid')
    try:
        sodium.crypto_scalarmult(bytes(32), key)  # libsodium refuses points of small order
    except CryptoError:
        raise Refused('key-invalid') from None
    return key, line

def signing_key(text):
    """The Ed25519 key of a public line, and the line that stands for it."""
    line = text.strip()
    return ssh_line(line) if line.startswith('ssh-') else (ed25519_point(vault_key(line, 'vaultsign', 32) or b''), line)

def fingerprint(x25519):
    return b64(H(b'iam-vault/1 x25519 ' + x25519))

class Identity(NamedTuple):
    secret: bytes
    x25519: bytes
    ed25519: bytes | None

def identity(secret, ed25519=None):
    return Identity(secret, sodium.crypto_scalarmult_base(secret), ed25519)

def identity_of_seed(seed):  # Identities
    return identity(kdf(seed, 1, b'ivltseal'), sodium.crypto_sign_seed_keypair(kdf(seed, 2, b'ivltsign'))[0])

def open_protected(blob, passphrase):
    operations, memory = int.from_bytes(blob[:4], 'big'), int.from_bytes(blob[4:8], 'big')
    refuse_unless(1 <= operations <= 10 and 8192 <= memory <= 2**30, 'identity-invalid')
    argon2id = sodium.crypto_pwhash_ALG_ARGON2ID13
    key = sodium.crypto_pwhash_alg(32, passphrase().encode(), blob[8:24], operations, memory, argon2id)
    return aead_open(key, blob[24:48], blob[:8], blob[48:], 'identity-locked')

def openssh_identity(lines):
    """Of the lines of an OpenSSH private key file (PROTOCOL.key of OpenSSH)."""
    try:
        blob = base64.b64decode(''.join(lines[1:-1]), validate=True)
        (cipher, _, _), rest = ssh_strings(blob[15:], 3)
        (public, private), end = ssh_strings(rest[4:], 2)
        if cipher != b'none':
            raise NotImplementedError('an OpenSSH key under a passphrase')
        (kind, key, pair, _), padding = ssh_strings(private[8:], 4)
        fits = blob[:15] == b'openssh-key-v1\0' and rest[:4] == b'\0\0\0\1' and end == b'' and kind == b'ssh-ed25519' \
            and ssh_strings(public, 2) == ([kind, key], b'') and private[:4] == private[4:8] \
            and padding == bytes(range(1, len(padding) + 1)) \
            and len(pair) == 64 and sodium.crypto_sign_seed_keypair(pair[:32]) == (key, pair)
    except ValueError:
        fits = False
    refuse_unless(fits and lines[-1] == '-----END OPENSSH PRIVATE KEY-----', 'identity-invalid')
    return identity(sodium.crypto_sign_ed25519_sk_to_curve25519(pair), key)

def read_identity(text, passphrase=lambda: getpass.getpass('passphrase: ')):
    lines = [line for line in map(str.strip, text.split('\n')) if line and not line.startswith('#')]
    if lines and lines[0] == '-----BEGIN OPENSSH PRIVATE KEY-----':
        return openssh_identity(lines)
    refuse_unless(len(lines) == 1, 'identity-invalid')
    if seed := vault_key(lines[0], 'VAULT-SECRET-KEY-', 32):
        return identity_of_seed(seed)
    if blob := vault_key(lines[0], 'VAULT-PROTECTED-KEY-', 96):
        return identity_of_seed(open_protected(blob, passphrase))
    secret = bech32(lines[0], 'AGE-SECRET-KEY-', 32, BECH32, 100)
    refuse_unless(secret is not None, 'identity-invalid')
    return identity(secret)

# --- The roster -----------------------------------------------------------------------------------------------------

admin_members = dict(name=is_name, public_key=is_line_for(sealing_key), signing_key=is_line_for(signing_key))
is_full_admin, is_refresher = members(**admin_members), members(rights=exactly(['seal']), **admin_members)
roster_members = members(
    roster=members(
        admins=each(lambda a: is_full_admin(a) or is_refresher(a), 1, 1000), format=exactly(FORMAT), previous=lambda v: v is None or encoded(32, 32)(v),
        quorum=integer(1), time=is_time, type=exactly('roster'), version=integer(1)),
    signatures=each(members(name=is_name, signature=encoded(64, 64))))

def fits_roster(v):
    names = [a['name'] for a in v['roster']['admins']] if roster_members(v) else []
    return len(set(names)) == len(names) and names != [] and v['roster']['quorum'] <= len(full_admins(v['roster']))

def full_admins(roster):
    return [a for a in roster['admins'] if 'rights' not in a]

def digest_of(value):
    return b64(H(jcs(value)))

def is_signed(document, by, needed):
    """Whether it has as many good signatures by the roster `by`: different keys, not names, are counted."""
    keys = {a['name']: signing_key(a['signing_key'])[0] for a in full_admins(by)}
    claims = [(keys[s['name']], s['signature']) for s in document['signatures'] if s['name'] in keys]
    return len({key for key, signature in claims if verifies(signature, document['roster'], key)}) >= needed

def walk_roster(read, pin):
    """The newest roster, and the digest of version 1. `read` gives the bytes of a version, or None."""
    version = pin['version'] if pin else 1
    data = read(version)
    refuse_unless(data is not None, 'roster-rollback' if pin else 'roster-missing')
    document = read_document(data, fits_roster, ('roster', 'format'))
    roster = document['roster']
    first = digest_of(roster)
    if pin:
        refuse_unless(first == pin['digest'], 'roster-pin-mismatch')
    else:
        linked = roster['version'] == 1 and roster['previous'] is None
        refuse_unless(linked and is_signed(document, roster, len(roster['admins'])), 'roster-broken')
    while (data := read(version := version + 1)) is not None:
        document = read_document(data, fits_roster, ('roster', 'format'))
        following = document['roster']
        linked = following['version'] == version and following['previous'] == digest_of(roster)
        refuse_unless(linked and is_signed(document, roster, roster['quorum']), 'roster-broken')
        roster = following
    return roster, pin['repository'] if pin else first

# --- A sealed item --------------------------------------------------------------------------------------------------

is_field = members(ciphertext=encoded(16, None), nonce=encoded(24, 24))
fits_item = members(
    fields=lambda v: isinstance(v, dict) and all(map(is_name, v.keys())) and all(map(is_field, v.values())),
    format=exactly(FORMAT), id=is_item_name, vault=is_name)
is_digest = encoded(32, 32)
RECIPIENT = {'fingerprint': is_digest, 'name': is_name, 'sealed_key': encoded(112, 112)}
are_recipients = each(members(**RECIPIENT))
are_names = each(is_name)
HEADER = {
    'format': exactly(FORMAT), 'type': exactly('item'), 'vault': is_name,
    'id': lambda v: is_text(v) and v[-5:] == '_keys' and is_item_name(v[:-5]),
    'repository': is_digest, 'generation': integer(1), 'search_query': is_text,
    'named_admins': lambda v: v is None or are_names(v) and v != [] and is_sorted(v),
    'named_clients': lambda v: are_names(v) and is_sorted(v),
    'item_digest': is_digest, 'commitment': is_digest, 'recipients_digest': is_digest, 'recipients_count': integer(1),
    'time': is_time, 'signer': is_name, 'signature': encoded(64, 64)}

# An item is one of three (Audiences): with recipients of its own, sealed to an audience, or an audience itself.
is_vault_line = is_line_for(sealing_key)
is_group = members(epoch=integer(1), public_keys=each(lambda v: is_vault_line(v) and v.startswith('vaultseal1'), 1, 1000))
fits_inline = members(admins=are_recipients, clients=are_recipients, header=members(**HEADER))
fits_sealed_to_audience = members(
    admins=exactly([]), clients=exactly([]), audience=members(**RECIPIENT | {'name': is_audience_name}), header=members(**HEADER))
fits_audience = members(admins=are_recipients, clients=are_recipients, header=members(**HEADER, group=is_group))

def fits_keys(v):
    if fits_audience(v):
        return is_audience_name(v['header']['id'][:-5])
    return (fits_inline(v) or fits_sealed_to_audience(v)) and not is_audience_name(v['header']['id'][:-5])

def read_keys(data):
    keys = read_document(data, fits_keys, ('header', 'format'))
    in_order = all(is_sorted([r['name'] for r in keys[role]]) for role in ('admins', 'clients'))
    refuse_unless(in_order, 'document-not-canonical')
    return keys

def identities_of_audience(lines, seeds):
    """By fingerprint, those of the seeds that an audience holds: they have its public keys, in that order."""
    identities = [identity_of_seed(unb64(seed)) for seed in seeds] if each(encoded(32, 32))(seeds) else []
    refuse_unless([i.x25519 for i in identities] == [sealing_key(line)[0] for line in lines], 'commitment-mismatch')
    return {fingerprint(i.x25519): i for i in identities}

def open_item(vault, item, field, own, item_data, keys_data, read_roster, pin=None, seen=0, reader=None, read_audience=None):
    """The value of a field, or of all where `field` is None. Numbers are the steps of Order of verification.

    `read_audience` gives the bytes of both files of an audience of the vault, or None.
    """
    keys = read_keys(keys_data)  # 1
    header = keys['header']
    refuse_unless(header['vault'] == vault and header['id'] == f'{item}_keys', 'document-invalid')

    roster, repository = walk_roster(read_roster, pin)  # 2

    refuse_unless(header['repository'] == repository, 'repository-mismatch')  # 3
    signer = {a['name']: a['signing_key'] for a in roster['admins']}.get(header['signer'])
    refuse_unless(signer is not None, 'signer-unknown')
    signed = {k: v for k, v in header.items() if k != 'signature'}
    refuse_unless(verifies(header['signature'], signed, signing_key(signer)[0]), 'signature-invalid')

    refuse_unless(b64(H(item_data)) == header['item_digest'], 'item-digest-mismatch')  # 4
    document = read_document(item_data, fits_item, ('format',))
    refuse_unless(document['vault'] == vault and document['id'] == item, 'document-invalid')

    refuse_unless(header['generation'] >= seen, 'generation-rollback')  # 5

    everyone = [('admin', r) for r in keys['admins']] + [('client', r) for r in keys['clients']]  # 5a
    if 'audience' in keys:
        everyone = [('audience', keys['audience'])]
    digest = digest_of([[role, r['name'], r['fingerprint']] for role, r in everyone])
    counted = len(everyone) == header['recipients_count']
    refuse_unless(counted and digest == header['recipients_digest'], 'recipients-digest-mismatch')

    if 'audience' in keys:  # Audiences: what follows is done as the audience
        audience = keys['audience']['name']
        stored = read_audience(audience)
        refuse_unless(stored is not None, 'item-missing')
        seeds = open_item(vault, audience, 'seeds', own, *stored, read_roster, pin, reader=reader)
        identities = identities_of_audience(read_keys(stored[1])['header']['group']['public_keys'], seeds)
        own = identities.get(keys['audience']['fingerprint'])
        refuse_unless(own is not None, 'audience-mismatch')

    found = [(role, r) for role, r in everyone if r['fingerprint'] == fingerprint(own.x25519)]  # 6
    named = any(r['name'] == reader for _, r in everyone)
    refuse_unless(found, 'recipient-key-changed' if named else 'not-a-recipient')

    role, entry = found[0]  # 7
    try:
        opened = sodium.crypto_box_seal_open(unb64(entry['sealed_key']), own.x25519, own.secret)
    except CryptoError:
        raise Refused('sealed-key-unopenable') from None
    key, context = opened[:32], H(jcs([FORMAT, 'sealed-key', vault, item, role, entry['name'], entry['fingerprint']]))
    refuse_unless(hmac.compare_digest(opened[32:], context), 'sealed-key-context')
    commitment = H(jcs([FORMAT, 'commitment', vault, item]), key)
    refuse_unless(hmac.compare_digest(commitment, unb64(header['commitment'])), 'commitment-mismatch')

    def open_field(name):  # 8
        refuse_unless(name in document['fields'], 'field-not-found')
        ciphertext, nonce = (unb64(document['fields'][name][k]) for k in ('ciphertext', 'nonce'))
        associated = jcs([FORMAT, 'field', vault, item, name])
        plain = aead_open(kdf(key, 1, b'ivltdata'), nonce, associated, ciphertext, 'field-unopenable')
        try:
            value, _ = parse_json(plain)
            canonical = jcs(value)
        except (ValueError, ArithmeticError):
            raise Refused('field-unopenable') from None
        refuse_unless(canonical == plain, 'field-unopenable')
        return value

    return {name: open_field(name) for name in document['fields']} if field is None else open_field(field)

# --- The repository: a file store -------------------------------------------------------------------------------------

def read_or_none(*path):
    return Path(*path).read_bytes() if Path(*path).exists() else None

def read_stored(repository, vault, item):
    """The bytes of ITEM.json and ITEM_keys.json, or those of a pending file that is no older (Writing); or None."""
    names = (f'{item}.json', f'{item}_keys.json', f'.{item}.pending')
    item_data, keys_data, pending = (read_or_none(repository, 'data_bags', vault, name) for name in names)
    if pending is not None:
        texts = read_document(pending, members(item=is_text, keys=is_text), ())
        pending_keys = texts['keys'].encode()
        generation = read_keys(pending_keys)['header']['generation']
        if keys_data is None or generation >= read_keys(keys_data)['header']['generation']:
            return texts['item'].encode(), pending_keys
    refuse_unless(keys_data is None or item_data is not None, 'document-invalid')
    return None if keys_data is None else (item_data, keys_data)

def main():
    parser = argparse.ArgumentParser(description='Open an item of a vault repository, or one field of it.')
    for name in ('repository', 'vault', 'item'):
        parser.add_argument(name)
    parser.add_argument('field', nargs='?')
    parser.add_argument('--identity', required=True, metavar='FILE')
    a = parser.parse_args()
    try:
        refuse_unless(is_name(a.vault) and is_item_name(a.item), 'name-invalid')
        refuse_unless(Path(a.identity).stat().st_mode & 0o077 == 0, 'identity-too-open')
        own = read_identity(Path(a.identity).read_bytes().decode(errors='replace'))
        stored = read_stored(a.repository, a.vault, a.item)
        refuse_unless(stored is not None, 'item-not-found')
        trust = Path(a.repository, 'trust')
        value = open_item(
            a.vault, a.item, a.field, own, *stored, lambda n: read_or_none(trust, f'{n}.json'),
            read_audience=lambda name: read_stored(a.repository, a.vault, name))
    except (Refused, NotImplementedError) as error:
        sys.exit(f'reader.py: {error}')
    print(json.dumps(value, indent=2))

if __name__ == '__main__':
    main()
