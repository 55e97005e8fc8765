package spool

const errQuota = errorDiskQuota
