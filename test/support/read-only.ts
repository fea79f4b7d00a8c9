import { spawnSync } from 'node:child_process';

/**
 * Makes a store's file read-only while a process has it open, and gives the way back. A change of mode would
 * not do: what is open keeps its rights, and a file system is not mounted read-only while anybody writes.
 * So the file and its log are made immutable, which also holds for what is open; where the tests may not do
 * that, or the file system does not know it, the one process may write to no file any more.
 */
export function turnReadOnly(file: string, pid: number): () => void {
  // not -shm: who writes to a mapping that can't be written is killed
  const files = [file, `${file}-wal`];
  if (runs('chattr', '+i', ...files)) return () => must('chattr', '-i', ...files);
  runs('chattr', '-i', ...files);
  must('prlimit', '--pid', String(pid), '--fsize=1:');
  return () => must('prlimit', '--pid', String(pid), '--fsize=unlimited:');
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0;
}

function must(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
