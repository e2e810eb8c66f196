export const databaseUrlVariable = 'MOTHERSHIP_TEST_DATABASE_URL';
export const templateName = 'mothership_template';
export const appRole = { name: 'mothership_app', password: 'test-app-password' };
/** Secret part of the operator key that the template knows: `msk_operator_<secret>`. */
export const operatorSecret = 'operator-secret-of-the-test-database-00000';
