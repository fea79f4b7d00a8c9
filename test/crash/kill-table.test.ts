import { describeKillTable } from '../support/describe-kill-table';

describeKillTable();
