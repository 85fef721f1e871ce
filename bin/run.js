#!/usr/bin/env node
import module from 'node:module';

// The SDK's advice about Node versions is for its users, not for ours.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
// Node 22.8 and later keep compiled code between runs.
module.enableCompileCache?.();
const { main } = await import('../dist/cli/main.js');
await main(process.argv.slice(2), import.meta.url);
