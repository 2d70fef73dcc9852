"""What a job may use of the machine: processes, memory, disk. One file for each way to hold that, chosen once a run by trying."""
