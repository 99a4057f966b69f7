#!/usr/bin/env node
import { runProgram } from './program.ts';

process.exitCode = runProgram(process.argv.slice(2), { output: process.stdout, errors: process.stderr, env: process.env });
