import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentConfiguration } from '../configuration/configuration.ts';
import { systemdUnit } from './unit.ts';

test('the agent may listen on a port that is root\'s alone where its configuration names one', () => {
  const capabilitiesOf = (port: number): string => {
    const text = JSON.stringify({
      identity: '/i', roster: 'A'.repeat(43), source: { type: 'folder', path: '/s' }, endpoint: { port, consumers: [{ name: 'app', items: ['v/i'] }] },
    });
    const unit = systemdUnit({ configuration: parseAgentConfiguration(new TextEncoder().encode(text), 'test'), config: '/c', program: ['/p'] });
    return /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1] ?? '';
  };
  assert.match(capabilitiesOf(911), /\bCAP_NET_BIND_SERVICE\b/);
  assert.doesNotMatch(capabilitiesOf(9911), /CAP_NET_BIND_SERVICE/);
});

test('an agent that follows etcd has the network, and what it reads for that', () => {
  const text = JSON.stringify({
    identity: '/i', roster: 'A'.repeat(43), report: { node: 'web01' },
    source: { type: 'etcd', endpoints: ['https://etcd1:2379'], prefix: '/iam-vault/a/', tls: { ca_file: '/home/etcd/ca.pem' }, credentials_file: '/c' },
  });
  const unit = systemdUnit({ configuration: parseAgentConfiguration(new TextEncoder().encode(text), 'test'), config: '/c', program: ['/p'] });
  assert.match(unit, /^After=network-online\.target$/m);
  assert.match(unit, /^RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6$/m);
  assert.doesNotMatch(unit, /^IPAddressDeny/m);
  assert.match(unit, /^ProtectHome=read-only$/m);
});
