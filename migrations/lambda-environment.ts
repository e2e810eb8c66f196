/** Names of the migrator's environment variables: set by the CDK app, read by the handler. */
export const migratorEnvironment = {
  /** JSON secret `{username, password}` of the role that owns the schema. */
  ownerSecretArn: 'OWNER_SECRET_ARN',
  /** JSON secret `{username, password}` of the role that the functions log in as. */
  applicationSecretArn: 'APPLICATION_SECRET_ARN',
  /** Plain secret: the secret part of the stage's operator key. */
  operatorKeySecretArn: 'OPERATOR_KEY_SECRET_ARN',
  databaseHost: 'DATABASE_HOST',
  databasePort: 'DATABASE_PORT',
  databaseName: 'DATABASE_NAME',
} as const;
