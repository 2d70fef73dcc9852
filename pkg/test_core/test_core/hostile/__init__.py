"""A job that means harm, and the machine that it is let loose on. What stands here runs alone, with any Python."""
