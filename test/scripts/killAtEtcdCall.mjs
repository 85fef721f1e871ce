// node --import killAtEtcdCall.mjs: kills this process before the call to etcd whose number KILL_AT_ETCD_CALL says; the first is 1.
import { Client } from '@grpc/grpc-js';

const at = Number(process.env.KILL_AT_ETCD_CALL ?? '0');
const { makeUnaryRequest } = Client.prototype;
let calls = 0;
Client.prototype.makeUnaryRequest = function (...args) {
  if (++calls === at) process.kill(process.pid, 'SIGKILL');
  return makeUnaryRequest.apply(this, args);
};
